#!/bin/sh
# Fuzzes every reader of outside bytes with libFuzzer under AddressSanitizer: FUZZ_SECONDS (60) each.
# Usage: Tests/Fuzz/run.sh [target…]      Findings stay in .build/fuzz/findings.
set -eu
cd "$(dirname "$0")/../.."
seconds=${FUZZ_SECONDS:-60}
out=.build/fuzz
# With the backtracer a crash under a sanitizer hangs or reports itself.
export SWIFT_BACKTRACE=enable=no
# Leaks are findings, too: here nothing but our own code runs, unlike under the tests' runner.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}

# The rooms with coverage and ASan; nothing of them is linked here, libFuzzer brings its own main.
for room in Exchange Recording; do
    swift build -c release --scratch-path "$out" --target "$room" \
        -Xswiftc -sanitize=fuzzer,address -Xswiftc -enable-testing \
        -Xcc -fsanitize=address
done
built=$(swift build -c release --scratch-path "$out" --show-bin-path)
maps=$(find Sources -name module.modulemap | sed 's/^/-Xcc -fmodule-map-file=/')
# What SwiftPM finds by pkg-config, swiftc has to be told.
includes=$(pkg-config --cflags-only-I opus | sed 's/-I/-Xcc -I/g')
objects=$(find "$built" -path '*.build/*.o' -not -path '*/teeline.build/*' -not -path '*/crash_server.build/*')

mkdir -p "$out/bin" "$out/findings"
targets=${*:-$(ls Tests/Fuzz/*.swift | xargs -n1 basename | sed 's/\.swift$//')}
failed=0
for target in $targets; do
    # shellcheck disable=SC2086
    swiftc -O -sanitize=fuzzer,address -parse-as-library -swift-version 6 -module-name "$target" \
        "Tests/Fuzz/$target.swift" -I "$built/Modules" $maps $includes $objects \
        -lsqlite3 -lssl -lcrypto -lmp3lame -lmicrohttpd -lcurl -lspeexdsp -lspandsp -lopus -lopencore-amrwb -lvo-amrwbenc -o "$out/bin/$target" 2>"$out/$target.link" || { cat "$out/$target.link"; exit 1; }
    corpus="$out/corpus/$target"
    mkdir -p "$corpus"
    case $target in
        FuzzCarrier) seeds="Tests/CarriersTests/Vectors" ;;
        FuzzSignalling) seeds="Tests/SignallingTests/Vectors" ;;
        FuzzAgent) seeds="Tests/AgentsTests/Vectors" ;;
        FuzzWire) seeds="Tests/AgentsTests/Vectors Tests/CarriersTests/Vectors" ;;
        *) seeds="" ;;
    esac
    if [ -d "Tests/Fuzz/Seeds/$target" ]; then seeds="$seeds Tests/Fuzz/Seeds/$target"; fi
    echo "== $target, $seconds s"
    # shellcheck disable=SC2086
    if ! "$out/bin/$target" -max_total_time="$seconds" -timeout=5 -rss_limit_mb=2048 -max_len=8192 \
        -artifact_prefix="$out/findings/$target-" -print_final_stats=1 "$corpus" $seeds \
        >"$out/$target.log" 2>&1; then
        failed=1
        tail -40 "$out/$target.log"
    fi
    grep -E "stat::number_of_executed_units|^Done|cov:" "$out/$target.log" | tail -3
done
exit "$failed"
