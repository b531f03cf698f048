# Rooms: every folder of runtime/, lib/ and platform/ becomes one relocatable object, in which only
# the names of its `exports` file stay global. Tests link the plain objects instead.

LIBS      := $(notdir $(patsubst %/,%,$(dir $(wildcard lib/*/exports))))
PLATFORMS := process sim

sources = $(sort $(wildcard $(1)/*.c))
objects = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$(1)))

RUNTIME_OBJECTS := $(call objects,runtime)
LIB_OBJECTS     := $(foreach l,$(LIBS),$(call objects,lib/$(l)))

.PHONY: rooms
rooms: $(LIBS:%=$(BUILD)/rooms/%.o) $(BUILD)/runtime.a $(PLATFORMS:%=$(BUILD)/platform-%.a)

$(BUILD)/runtime/%.o: runtime/%.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(FREESTANDING) -c $< -o $@

# lib/NAME/*.c, with the headers of the libraries that this room wraps.
define lib_room
$(call objects,lib/$(1)): $(BUILD)/lib/$(1)/%.o: lib/$(1)/%.c | $(if $(DEPS_OF_$(1)),$(DEPS_LINKED))
	@mkdir -p $$(@D)
	$$(call say,cc,$$<)
	$$(Q)$$(CC) $$(COMMON) $$(FREESTANDING) $(DEPS_OF_$(1):%=-isystem $(DEPS)/%/include) -I$(BUILD)/generated -c $$< -o $$@

$(BUILD)/rooms/$(1).o: $(call objects,lib/$(1)) lib/$(1)/exports
	@mkdir -p $$(@D)
	@ld -r -o $$@.all $(call objects,lib/$(1))
	@objcopy --keep-global-symbols=lib/$(1)/exports $$@.all $$@
	@rm -f $$@.all
endef
$(foreach l,$(LIBS),$(eval $(call lib_room,$(l))))

# The table of media types in lib/site.
$(BUILD)/generated/media_table.h: lib/site/media.awk | $(DEPS_LINKED)
	@mkdir -p $(@D)
	@LC_ALL=C sort -k 2,2 $(DEPS)/media-types/share/mime.types | awk -f $< >$@
$(BUILD)/lib/site/media.o: $(BUILD)/generated/media_table.h

# What all platforms share of private keys is freestanding, as ring 0 needs it.
$(BUILD)/platform/crypto/%.o: platform/crypto/%.c | $(DEPS_LINKED)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(FREESTANDING) -isystem $(DEPS)/aws-lc/include -c $< -o $@

$(BUILD)/platform/%.o: platform/%.c | $(DEPS_LINKED)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(HOSTED) -isystem $(DEPS)/aws-lc/include -c $< -o $@

archive = rm -f $@; ar rcs $@ $(filter %.o,$^)

$(BUILD)/runtime.a: $(RUNTIME_OBJECTS)
	@$(archive)
$(BUILD)/libs.a: $(LIB_OBJECTS)
	@$(archive)
define platform_archive
$(BUILD)/platform-$(1).a: $(call objects,platform/$(1)) $(call objects,platform/crypto)
	@$$(archive)
endef
$(foreach p,$(PLATFORMS),$(eval $(call platform_archive,$(p))))

# What each object was made of. (Other flavours have folders of their own below build/.)
BUILT := $(wildcard $(addprefix $(BUILD)/,apps bench fuzz lib platform ring0 runtime tests tool))
-include $(if $(BUILT),$(shell find $(BUILT) -name '*.d'))
