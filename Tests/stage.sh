#!/usr/bin/env bash
# Runs a stage of the tests: stage.sh LOG COMMAND…
# The whole story goes to LOG; shown are the suites, what was measured, and what failed, told once more at the end.
set -euo pipefail
log=$1
shift

shown='^(✘|↳|✔ Suite|✔ Test run|==>|truth |clocked |crash campaign)|[Ee]rror:|warning:|[Ss]ignal code'
if "$@" 2>&1 | tee "$log" | { grep --text --line-buffered -E "$shown" || true; }; then exit 0; fi

{
  echo "==> failed: $*"
  grep --text '^✘' "$log" | sed 's/^✘ */failed: /' | head -n 60 || true
  tail -n 5 "$log" | sed 's/^/its end: /'
  echo "==> the whole log: $log"
} >&2
exit 1
