# Tests. Unit tests are programs that mirror the rooms; whole-system tests are pytest files.

UNIT_SIM     := $(sort $(wildcard tests/runtime/*_test.c tests/lib/*/*_test.c \
                  tests/platform/sim/*_test.c))
UNIT_XEN     := $(sort $(wildcard tests/platform/xen/*_test.c))
UNIT_PROCESS := $(sort $(wildcard tests/platform/process/*_test.c tests/tool/*_test.c))
UNIT_RING0   := $(sort $(wildcard tests/platform/pvh/*_test.c tests/platform/virtio/*_test.c))
# Of ring 0's own object, which has checks of its own.
UNIT_RING0   := $(filter-out $(if $(SANITIZE),%/string_test.c),$(UNIT_RING0))
UNIT_APP     := $(sort $(wildcard tests/apps/$(APP)/*_test.c))
unit_program = $(patsubst %.c,$(BUILD)/%,$(1))

UNIT_SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/support/*.c))

.PHONY: unit-build
unit-build: $(call unit_program,$(UNIT_SIM) $(UNIT_APP) $(UNIT_PROCESS) $(UNIT_RING0) $(UNIT_XEN))

unit: setup-test
	@$(MAKE) --no-print-directory -j$(JOBS) unit-build
	@mk/run-unit $(BUILD) $(call unit_program,$(UNIT_SIM) $(UNIT_APP) $(UNIT_PROCESS) $(UNIT_RING0) $(UNIT_XEN))

$(BUILD)/tests/%.o: tests/%.c | $(DEPS_LINKED)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(OPTIMISE_TESTS) $(HOSTED) -isystem $(DEPS)/aws-lc/include -c $< -o $@

link_test = $(CC) $(LINK_SOON) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
            $(DEPS_ARCHIVES) -Wl,--end-group -lcmocka

TEST_COMMON := $(UNIT_SUPPORT) $(BUILD)/libs.a $(BUILD)/runtime.a

$(call unit_program,$(UNIT_SIM)): $(BUILD)/%: $(BUILD)/%.o $(TEST_COMMON) $(BUILD)/platform-sim.a
	@$(link_test)
# Those of a room of drivers have its cores beside the simulation, and dom0 played; but for the bus, which has
# the machine alone.
XEN_CORES := $(patsubst %,$(BUILD)/platform/xen/%.o,block block_ring byte_ring front grant net net_receive net_transmit ring shared store)
$(BUILD)/xen-cores.a: $(XEN_CORES) $(patsubst %,$(BUILD)/platform/xen/%.o,console control)
	@$(archive)
$(BUILD)/xen-played.a: $(patsubst %,$(BUILD)/tests/platform/xen/%.o,dom0 pages)
	@$(archive)
XEN_LINKED := $(BUILD)/xen-cores.a $(BUILD)/runtime.a $(BUILD)/platform-sim.a
$(call unit_program,$(filter-out %/bus_test.c,$(UNIT_XEN))): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/xen-played.a $(XEN_LINKED)
	@$(link_test)
$(BUILD)/tests/platform/xen/bus_test: %: %.o $(BUILD)/platform/xen/bus.o $(XEN_LINKED)
	@$(link_test)
$(BUILD)/tests/lib/markdown/spec_test: | deps-test
# A program's tests run the whole of it, in the simulation.
$(call unit_program,$(UNIT_APP)): $(BUILD)/%: $(BUILD)/%.o $(APP_OBJECTS) $(TEST_COMMON) \
                                              $(BUILD)/platform-sim.a
	@$(link_test)
$(call unit_program,$(UNIT_PROCESS)): $(BUILD)/%: $(BUILD)/%.o $(TEST_COMMON) $(BUILD)/platform-process.a
	@$(link_test)

# Of ring 0 what needs no machine, and a puppet in the place of a device.
RING0_PURE := $(filter-out %/room.o %/network.o %/storage.o,$(call objects,platform/virtio)) \
    $(patsubst %,$(BUILD)/platform/pvh/%.o,acpi_tables aml chord command_line health memory_map pci pvclock rtc vmclock)
RING0_PUPPET := $(BUILD)/tests/platform/virtio/puppet.o
$(BUILD)/ring0-pure.a: $(RING0_PURE)
	@$(archive)
$(call unit_program,$(UNIT_RING0)): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/ring0-pure.a $(TEST_COMMON) \
                                                $(BUILD)/platform-process.a
	@$(link_test)
$(patsubst %,$(BUILD)/tests/platform/virtio/%_test,block devices net net_failing): $(RING0_PUPPET)
# One has the machine's clock in the place of the process's.
$(BUILD)/tests/platform/pvh/time_test: $(BUILD)/platform/pvh/clock.o
$(BUILD)/tests/platform/pvh/signer_test: $(BUILD)/platform/keyroom/signer.o

# The programs that whole-system tests drive, small ones over lwIP as well. The wire between network
# namespaces is one of the host alone.
WIRE := $(BUILD)/tests/system/wire/wire
$(WIRE): $(call objects,tests/system/wire)
	@$(CC) $(LINK) -o $@ $^

.PHONY: system-build
system-build:
	@$(MAKE) --no-print-directory -j$(JOBS) tool $(if $(SANITIZE),,packetdrill) app APP=canopy CONFIG=$(BUILD)/plain DIST=$(BUILD)/plain
	@$(MAKE) --no-print-directory -j$(JOBS) $(WIRE)
	@$(if $(SANITIZE),,$(MAKE) --no-print-directory -j$(JOBS) ring0-tests && \
	    $(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/echo/echo.kvm APP=echo CONFIG=$(BUILD)/echo DIST=$(BUILD)/echo && \
	    $(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/hello/hello.kvm $(BUILD)/hello/hello APP=hello CONFIG=$(BUILD)/hello DIST=$(BUILD)/hello && \
	    $(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/plain/canopy.kvm $(BUILD)/plain/canopy.elf APP=canopy CONFIG=$(BUILD)/plain DIST=$(BUILD)/plain)
	@for name in echo relay; do \
	    $(MAKE) --no-print-directory -j$(JOBS) app APP=$$name CONFIG=$(BUILD)/$$name DIST=$(BUILD)/$$name && \
	    $(MAKE) --no-print-directory -j$(JOBS) app APP=$$name CONFIG=$(BUILD)/$$name DIST=$(BUILD)/lwip-$$name \
	        APP_NETWORK=lwip || exit; \
	done

# Most of the time whole-system tests wait: for leases, deadlines, browsers.
WORKERS ?= $(shell expr $(JOBS) \* 3)

system: setup-test system-build
	@RINGLET_BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -p no:cacheprovider \
	    -n $(WORKERS) --dist loadfile tests/system $(PYTEST)

# A real Xen with a Debian dom0, emulated, in which images are deployed with the real xl: two such machines, each
# of which keeps one core busy. What is compiled of the images that they make is so before: two that compile the
# same at once are in each other's way.
.PHONY: test-xen
test-xen: setup-test
	@deps/install xen
	@deps/root lab >/dev/null
	@$(MAKE) --no-print-directory -j$(JOBS) tool app APP=canopy CONFIG=$(BUILD)/plain DIST=$(BUILD)/plain
	@$(MAKE) --no-print-directory -j$(JOBS) ring0-tests
	@for name in canopy disk echo hello; do \
	    $(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/xen/$$name.xen APP=$$name CONFIG=$(BUILD)/xen DIST=$(BUILD)/xen || exit; \
	done
	@RINGLET_BUILD=$(BUILD) /usr/bin/python3 -m pytest -q -p no:cacheprovider -n 2 --dist loadfile tests/xen $(PYTEST)

sanitize: setup-test
	@$(MAKE) --no-print-directory SANITIZE=1 BUILD=build/sanitize unit system

lint: setup
	@deps/install test
	@mk/lint

# Everything that is compiled, for its warnings.
.PHONY: lint-build
lint-build: rooms ring0-objects $(UNIT_SIM:%.c=$(BUILD)/%.o) $(UNIT_APP:%.c=$(BUILD)/%.o) $(UNIT_PROCESS:%.c=$(BUILD)/%.o) $(UNIT_RING0:%.c=$(BUILD)/%.o) $(UNIT_XEN:%.c=$(BUILD)/%.o) $(UNIT_SUPPORT) \
            $(call objects,tool) $(call objects,tool/packetdrill) $(call objects,fuzz) $(call objects,bench) $(call objects,bench/lwip) \
            $(call objects,tests/system/wire) \
            $(patsubst %.c,$(BUILD)/%.o,$(wildcard apps/*/*.c apps/*/*/*.c))

# What a ring-0 image will need of a C library for TLS: no more than mk/freestanding.names.
.PHONY: freestanding
freestanding:
	@mk/freestanding build/freestanding

# Fuzzing: clang's libFuzzer, every target for SECONDS, seeds and old crashes first.
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/*.c)))
FUZZ         ?= $(FUZZ_TARGETS)
ifneq ($(call odd_one,$(FUZZ),$(FUZZ_TARGETS)),)
$(error '$(call odd_one,$(FUZZ),$(FUZZ_TARGETS))' in FUZZ is not a target: $(FUZZ_TARGETS))
endif
SECONDS      ?= 10
FUZZ_BUILD   := build/fuzz

fuzz: setup
	@deps/install test
	@$(MAKE) --no-print-directory -j$(JOBS) BUILD=$(FUZZ_BUILD) CC=clang OPTIMISE="-O1 -g" \
	    INSTRUMENT="-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" \
	    fuzz-build FUZZ="$(FUZZ)"
	@printf '%s\n' $(FUZZ) | xargs -P $(JOBS) -n 1 mk/run-fuzz $(FUZZ_BUILD) $(SECONDS)

.PHONY: fuzz-build
fuzz-build: $(FUZZ:%=$(BUILD)/fuzz-%)

$(BUILD)/fuzz/%.o: fuzz/%.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(HOSTED) -c $< -o $@
# One target reads what the tool reads, one needs a certificate, one looks at HTML.
$(BUILD)/fuzz-keyfile: $(BUILD)/tool/private_key.o
$(BUILD)/fuzz-tls: $(BUILD)/tests/support/pki.o
$(BUILD)/fuzz-markdown: $(BUILD)/tests/support/html.o
$(BUILD)/fuzz-acpi $(BUILD)/fuzz-virtio: $(BUILD)/ring0-pure.a
$(BUILD)/fuzz-virtio: $(RING0_PUPPET)
# Xen's other side: the cores that it meets, without a platform.
$(BUILD)/fuzz-xen: $(BUILD)/fuzz/xen.o $(XEN_CORES) $(BUILD)/runtime.a
	@$(CC) $(LINK_SOON) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(filter %.a,$^)
$(BUILD)/fuzz-%: $(BUILD)/fuzz/%.o $(BUILD)/libs.a $(BUILD)/runtime.a $(BUILD)/platform-process.a
	@$(CC) $(LINK_SOON) -fsanitize=fuzzer -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
	    $(DEPS_ARCHIVES) -Wl,--end-group

# The string functions of ring 0, in a program that has glibc's as well.
$(BUILD)/tests/platform/pvh/ours_string.o: $(RING0)/platform/pvh/string.o
	@mkdir -p $(@D)
	@objcopy --prefix-symbols=ours_ $< $@
$(BUILD)/tests/platform/pvh/string_test $(BUILD)/bench/memory_functions: $(BUILD)/tests/platform/pvh/ours_string.o

# Benchmarks: small programs (bench/*.c) and the table.
BENCH_PROGRAMS := $(patsubst bench/%.c,$(BUILD)/bench/%,$(wildcard bench/*.c))
.PHONY: bench-build
bench-build: $(BENCH_PROGRAMS)
$(BUILD)/bench/%.o: bench/%.c | $(DEPS_LINKED)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(HOSTED) -isystem $(DEPS)/aws-lc/include -c $< -o $@
# A load that verifies nothing.
$(BUILD)/bench/tls_handshakes: LINK += -Wl,--wrap=EVP_DigestVerify
$(BUILD)/bench/%: $(BUILD)/bench/%.o $(BUILD)/libs.a $(BUILD)/runtime.a $(BUILD)/platform-process.a
	@$(CC) $(LINK) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
	    $(DEPS_ARCHIVES) -Wl,--end-group

# lwIP in the place of our own stack: a room like those of lib/ (APP_NETWORK=lwip).
$(BUILD)/bench/lwip/%.o: bench/lwip/%.c | deps-bench
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(HOSTED) -isystem $(DEPS)/lwip/include -c $< -o $@
$(BUILD)/rooms/lwip.o: $(call objects,bench/lwip) bench/lwip/exports
	@mkdir -p $(@D)
	@ld -r -o $@.all $(filter %.o,$^) --whole-archive $(DEPS)/lwip/lib/liblwip.a
	@objcopy --keep-global-symbols=bench/lwip/exports $@.all $@
	@rm -f $@.all

bench: setup
	@deps/install bench xen
	@$(MAKE) --no-print-directory deps-bench
	@$(MAKE) --no-print-directory -j$(JOBS) bench-build
	@$(MAKE) --no-print-directory system-build
	@/usr/bin/python3 bench/table.py --build $(BUILD) $(BENCH)
.PRECIOUS: $(BUILD)/%.o
