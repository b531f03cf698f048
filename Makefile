# Ringlet: a library operating system. `make help` says what can be made.

.DEFAULT_GOAL := all
# For each of a thousand .d files make would look for one that makes it: half a second of every start.
MAKEFLAGS += --no-builtin-rules

include mk/flags.mk
include mk/deps.mk
include mk/rooms.mk
include mk/app.mk
include mk/tool.mk
include mk/ring0.mk
include mk/tests.mk

.PHONY: all run test unit system lint sanitize fuzz bench scan clean help setup setup-test

all: rooms tool

# Everything that a build needs, on a machine that has git and make only.
setup:
	@deps/install build
	@$(MAKE) --no-print-directory -j$(JOBS) deps

# The sample site, or another (a repository or a folder), baked into a program that then serves it.
SAMPLE := $(BUILD)/sample
SITE   ?= examples/site
run: setup
	@./ringlet configure -C apps/canopy --to $(SAMPLE) --target process --content "$(SITE)" --port $(or $(PORT),8080) --no-depend
	@$(MAKE) --no-print-directory -j$(JOBS) app APP=canopy CONFIG=$(SAMPLE) DIST=$(SAMPLE)
	@exec $(SAMPLE)/canopy

setup-test: setup
	@deps/install test
	@$(MAKE) --no-print-directory -j$(JOBS) deps-test

test: setup-test
	@$(MAKE) --no-print-directory unit
	@$(MAKE) --no-print-directory system

clean:
	rm -rf $(BUILD) apps/*/dist

# Everything that testssl.sh knows, against canopy.
scan: system-build
	@RINGLET_SCAN=whole $(MAKE) --no-print-directory system PYTEST="-k testssl"

help:
	@echo "make run        serve the sample site at http://localhost:8080/ (PORT=..., SITE=... for another)"
	@echo "make test       every test; make unit, make system: a part of them"
	@echo "make lint       include directions, exports, format, warnings of gcc and clang"
	@echo "make sanitize   the tests again, under address and undefined-behaviour sanitizers"
	@echo "make fuzz       fuzz every target (SECONDS=10 each; FUZZ=NAME for one)"
	@echo "make scan       all that testssl.sh finds to say of our TLS"
	@echo "make test-xen   images under a real Xen (in QEMU), deployed with xl"
	@echo "make bench      the table of ratios against peers"
	@echo "make app APP=NAME [TARGET=kvm], make tool, make clean"
