# What to type: make run, make test. Every target says what it does and stops at the first failure.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# What the program is made of, and what its tests and tools need besides.
BUILD_PACKAGES := libmp3lame-dev libsqlite3-dev libssl-dev libmicrohttpd-dev libcurl4-openssl-dev libspeexdsp-dev libspandsp-dev \
                  libopus-dev libopencore-amrwb-dev libvo-amrwbenc-dev pkg-config
TEST_PACKAGES  := $(BUILD_PACKAGES) ffmpeg mpg123 sqlite3 curl openssl python3 python3-venv

SWIFT   ?= swift
TEELINE := .build/release/teeline
export SWIFT_BACKTRACE ?= enable=no

.PHONY: help build run serve test bench lint fuzz tsan asan clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 8

# Missing packages are installed once; the stamp remembers, and this file's change forgets.
.build/packages-%: Makefile
	@mkdir -p .build
	@case $* in build) wanted="$(BUILD_PACKAGES)";; *) wanted="$(TEST_PACKAGES)";; esac; \
	missing=""; \
	for package in $$wanted; do dpkg -s $$package >/dev/null 2>&1 || missing="$$missing $$package"; done; \
	if [ -n "$$missing" ]; then \
	  echo "==> installing:$$missing"; \
	  command -v apt-get >/dev/null || { echo "apt-get is not here; install by hand:$$missing" >&2; exit 1; }; \
	  become=""; [ "$$(id -u)" = 0 ] || become=sudo; \
	  $$become env DEBIAN_FRONTEND=noninteractive apt-get update -q; \
	  $$become env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $$missing; \
	fi; \
	touch $@

.build/swift: Makefile
	@command -v $(SWIFT) >/dev/null || { echo "Swift 6.2 or later is needed: https://www.swift.org/install/linux/" >&2; exit 1; }
	@mkdir -p .build && touch $@

# The validators that the tests ask: the carriers' own of signatures, and one of our OpenAPI document. The stamp is set when all of them are there.
.build/python: .build/python/complete
.build/python/complete: Tests/requirements.txt | .build/packages-test
	@echo "==> installing the validators that the tests ask"
	python3 -m venv --clear .build/python
	.build/python/bin/pip install --quiet --disable-pip-version-check -r Tests/requirements.txt
	@touch $@

build: .build/swift .build/packages-build ## the program, optimised, as .build/release/teeline
	@echo "==> building (the first time takes some minutes)"
	$(SWIFT) build -c release --product teeline

run: build ## build, then the demo: one simulated call, recorded; then serve until Ctrl-C
	@echo "==> teeline demo"
	@$(TEELINE) demo $(ARGS)

serve: build ## build, then a server as configured
	@exec $(TEELINE) serve $(ARGS)

bench: build ## what a call costs on this machine
	@$(TEELINE) bench $(ARGS)

# Tests run optimised, as the program does: in real time a debug build would be what they measure. They have a
# build folder of their own, since they see into the rooms (-enable-testing).
TESTING  := -c release -Xswiftc -enable-testing --scratch-path .build/tests
# Tests in real time run one after another, when all others are through; those that count the process's
# descriptors run in a process of their own.
REALTIME := ExchangeTests|SimulatorTests|SwitchboardTests|SpeechTests
STAGE    := Tests/stage.sh .build/tests

test: .build/swift .build/packages-test .build/python ## every test
	@echo "==> building the tests"
	$(SWIFT) build --build-tests $(TESTING)
	@echo "==> tests of values, machines and rooms"
	$(STAGE)/rooms.log $(SWIFT) test --skip-build $(TESTING) --skip '$(REALTIME)|NetTests'
	@echo "==> tests of sockets, descriptors counted"
	$(STAGE)/net.log $(SWIFT) test --skip-build $(TESTING) --no-parallel --filter NetTests
	@echo "==> tests in real time, over sockets"
	$(STAGE)/realtime.log $(SWIFT) test --skip-build $(TESTING) --no-parallel --filter '$(REALTIME)'

lint: .build/swift ## the formatter's opinion
	$(SWIFT) format lint --strict --parallel --configuration .swift-format -r Package.swift Sources Tests

fuzz: .build/swift .build/packages-test ## hostile bytes; FUZZ_SECONDS for each target
	Tests/Fuzz/run.sh

# The sanitizers have build folders of their own, optimised for the same reason as the tests. Leaks are not counted: the test
# runner itself leaks at its end. Of freed memory little is held back: tests bound what a server may grow by.
SANITIZED = -c release -Xswiftc -enable-testing --scratch-path .build/$(1) --sanitize=$(2) --no-parallel

tsan: .build/swift .build/packages-test .build/python ## every test under the thread sanitizer
	$(SWIFT) test $(call SANITIZED,tsan,thread)

asan: .build/swift .build/packages-test .build/python ## every test under the address sanitizer
	ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=16 $(SWIFT) test $(call SANITIZED,asan,address)

clean: ## forget what was built (recordings stay)
	rm -rf .build
