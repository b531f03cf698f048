# Ring 0: the same sources, linked into an image that a hypervisor starts (platform/pvh). Two links: the
# second lays the names of functions into it, for backtraces.

RING0      := $(BUILD)/ring0
RING0_DEPS := build/deps/ring0

# What the mapping checks already is taken out again, by mk/fixed-offsets.
RING0_CHECKS := -fsanitize=bounds,object-size,pointer-overflow,signed-integer-overflow,shift,vla-bound \
                -fsanitize-undefined-trap-on-error
RING0_FLAGS := $(FREESTANDING) $(RING0_CHECKS) -fvisibility=hidden -mno-red-zone -fno-omit-frame-pointer \
               -fno-asynchronous-unwind-tables -fcf-protection=none -mstack-protector-guard=global
RING0_LINK  := -pie -static --no-dynamic-linker -O1 -z pack-relative-relocs -z norelro -z noexecstack --gc-sections \
               -u image_symbols -T platform/pvh/image.ld

# Libraries in their flavour without a C library (deps/README.md).
RING0_INCLUDE  := $(patsubst %,-isystem $(RING0_DEPS)/%/include,$(DEPS_LIB)) -I$(BUILD)/generated
RING0_ARCHIVES := $(patsubst $(DEPS)/%,$(RING0_DEPS)/%,$(DEPS_ARCHIVES))

# Which rooms of drivers a target has, in the order in which they are asked (platform/pvh/driver.h).
DRIVERS_kvm := virtio
DRIVERS_xen := xen
DRIVERS_any := virtio xen

ring0_objects = $(patsubst %,$(RING0)/%.o,$(basename $(wildcard $(1:%=%/*.[cS]))))
RING0_CARDS   := $(RING0)/platform/pvh/network.o
RING0_DISKS   := $(RING0)/platform/pvh/storage.o
RING0_OBJECTS := $(filter-out $(RING0_CARDS) $(RING0_DISKS),$(call ring0_objects,runtime platform/pvh))
RING0_DRIVERS := $(call ring0_objects,$(sort $(DRIVERS_any:%=platform/%)))
RING0_KEYROOM := $(call ring0_objects,platform/keyroom platform/crypto)
RING0_ALONE   := $(call ring0_objects,platform/alone)
RING0_EARLY   := $(patsubst %,$(RING0)/platform/pvh/%.o,early early_map memory_map relocate)
# What runs before the image has moved follows no address that it holds, and has no canary yet.
$(RING0_EARLY): RING0_FLAGS += -fno-stack-protector -fno-tree-vectorize
# Handlers of interrupts leave the vector registers alone.
$(RING0)/platform/pvh/trap.o: RING0_FLAGS += -mgeneral-regs-only

RING0_LINKED := $(RING0_DEPS)/.linked
$(RING0_LINKED): deps/get $(wildcard deps/library.mk $(DEPS_LIB:%=deps/%/*))
	@CC= FLAVOUR=freestanding deps/get --link $(RING0_DEPS) $(DEPS_LIB) >/dev/null
	@touch $@

# Xen's public headers without what else lies beside them.
XEN_HEADERS := $(RING0)/xen-headers
$(XEN_HEADERS)/xen:
	@mkdir -p $(@D)
	@ln -sfn /usr/include/xen $@
$(patsubst %.c,$(RING0)/%.o,$(wildcard platform/xen/*.c)): RING0_INCLUDE += -isystem $(XEN_HEADERS)
$(patsubst %.c,$(RING0)/%.o,$(wildcard platform/xen/*.c)): | $(XEN_HEADERS)/xen

$(RING0)/lib/site/media.o: $(BUILD)/generated/media_table.h
$(RING0)/%.o: %.c mk/fixed-offsets | $(RING0_LINKED) $(DEPS_LINKED)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(RING0_FLAGS) $(RING0_INCLUDE) -MF $(@:.o=.d) -MT $@ -S $< -o $@.made.s
	$(Q)mk/fixed-offsets $@.made.s >$@.s && $(CC) -c $@.s -o $@
	@rm $@.made.s $@.s
$(RING0)/%.o: %.S
	@mkdir -p $(@D)
	$(call say,as,$<)
	$(Q)$(CC) $(COMMON) -c $< -o $@

# The vectoriser, or anything else, may gather addresses as data: then early code would follow them.
$(RING0)/.early: $(RING0_EARLY)
	@! objdump -h $^ | grep -q '\.data\.rel' || { echo "$@: early code holds addresses" >&2; exit 1; }
	@touch $@

# ring0_image OBJECTS: the target, of these and what they need of libraries. It is its owner's alone if it
# holds keys or a secret. What only a debugger reads is put aside, into FILE.debug, which gdb finds by itself.
define ring0_image
@mkdir -p $(@D)
$(call say,link,$@)
$(Q)$(guarded) ld $(RING0_LINK) -o $@.plain $(1) --start-group $(RING0_ARCHIVES) --end-group
$(Q)mk/symbols $@.plain >$@.symbols.S && $(CC) -c $@.symbols.S -o $@.symbols.o
$(Q)$(guarded) ld $(RING0_LINK) -o $@ $(1) $@.symbols.o --start-group $(RING0_ARCHIVES) --end-group
@objcopy --only-keep-debug $@ $@.debug && objcopy --strip-all --add-gnu-debuglink=$@.debug $@
@rm -f $@.plain $@.symbols.S $@.symbols.o
endef

# Rooms of lib/, as mk/rooms.mk makes them: of each, only what its `exports` names can be seen.
define ring0_room
$(RING0)/rooms/$(1).o: $(call ring0_objects,lib/$(1)) lib/$(1)/exports
	@mkdir -p $$(@D)
	@ld -r -o $$@.all $$(filter %.o,$$^)
	@objcopy --keep-global-symbols=lib/$(1)/exports $$@.all $$@
	@rm -f $$@.all
endef
$(foreach l,$(LIBS),$(eval $(call ring0_room,$(l))))

# What is in an image, for its manifest.
RING0_NET   := $(if $(filter stack,$(APP_SIGNATURES)),net)
RING0_BLOCK := $(filter block,$(APP_SIGNATURES))
RING0_ROOMS := $(sort $(APP_LIBS) $(if $(RING0_NET),$(NETWORK_inet)))
$(foreach t,kvm xen any,$(eval RING0_PLATFORM_$(t) := pvh $(DRIVERS_$(t))))

# A program that is given a stack has the cards of its target, and what makes a stack of one; one with a
# signer has the room where it is; one that is given a block device has those of its target. All other
# drivers of a room are linked into every program.
RING0_APP_OBJECTS := $(call ring0_objects,apps/$(APP)) $(APP_EXTRA_OBJECTS) \
    $(RING0_ROOMS:%=$(RING0)/rooms/%.o) \
    $(if $(RING0_NET),$(RING0_CARDS),$(RING0)/platform/alone/network.o) \
    $(if $(RING0_BLOCK),$(RING0_DISKS),$(RING0)/platform/alone/storage.o) \
    $(if $(filter signer,$(APP_SIGNATURES)),$(RING0_KEYROOM),$(RING0)/platform/alone/signer.o)
ring0_drivers = $(filter-out $(if $(RING0_NET),,%/network.o) $(if $(RING0_BLOCK),,%/storage.o),\
                    $(call ring0_objects,$(DRIVERS_$(1):%=platform/%)))

# DIST/APP.kvm and its like, one rule for each target that is for a hypervisor.
define ring0_app
$(DIST)/$(APP)$(SUFFIX_$(1)): $(RING0_APP_OBJECTS) $(call image_object,$(1)) $(RING0_OBJECTS) \
                              $(call ring0_drivers,$(1)) platform/pvh/image.ld mk/symbols $(RING0)/.early
	$$(call ring0_image,$$(filter %.o,$$^))
endef
$(foreach t,$(filter-out process,$(TARGETS)),$(eval $(call ring0_app,$(t))))

# Programs that must end in a certain way, one for each file of tests/ring0.
RING0_TESTS_DRIVERS := $(filter-out %/network.o %/storage.o,$(RING0_DRIVERS))
RING0_TESTS := $(patsubst tests/ring0/%.c,$(RING0)/tests/%.kvm,$(wildcard tests/ring0/*.c))
$(RING0_TESTS): $(RING0)/tests/%.kvm: $(RING0)/tests/ring0/%.o $(RING0)/tests/image.o $(RING0_OBJECTS) \
                                      $(RING0_ALONE) $(RING0_TESTS_DRIVERS) \
                                      platform/pvh/image.ld mk/symbols $(RING0)/.early
	$(call ring0_image,$(filter %.o,$^))
# An image without anything of its own.
$(RING0)/tests/image.o: mk/image.S
	@mkdir -p $(@D)
	@: >$(@D)/empty
	$(Q)$(CC) -c $< -o $@ \
	    $(foreach p,SETTINGS CONTENT PREPARED ANCHORS KEYS CERTS MANIFEST,-D$(p)_FILE='"$(@D)/empty"')

.PHONY: ring0-tests
ring0-tests: $(RING0_TESTS)

.PHONY: ring0-objects
ring0-objects: $(RING0_OBJECTS) $(RING0_CARDS) $(RING0_DISKS) $(RING0_ALONE) $(RING0_DRIVERS) $(RING0_KEYROOM) $(RING0_TESTS:$(RING0)/tests/%.kvm=$(RING0)/tests/ring0/%.o)
