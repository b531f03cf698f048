# One program: apps/APP with the configuration in CONFIG, linked for TARGET in the folder DIST.
#
# CONFIG holds what `ringlet configure` wrote: target (its name), settings (text), secret (where they hold one),
# content (a git bundle), and keys, certs and anchors (runtime/keyring.h). All of it is optional; what is not
# there is empty.

APP    ?= canopy
CONFIG ?= apps/$(APP)/.ringlet
DIST   ?= apps/$(APP)/dist
TARGET ?= $(or $(shell cat $(CONFIG)/target 2>/dev/null),process)

# What an image is called beside its program: by where it runs.
TARGETS    := process kvm xen any
SUFFIX_kvm := .kvm
SUFFIX_xen := .xen
SUFFIX_any := .elf
ifeq ($(filter $(TARGET),$(TARGETS)),)
$(error '$(TARGET)' is not a target: $(TARGETS))
endif

ifneq ($(wildcard apps/$(APP)/app.mk),)
include apps/$(APP)/app.mk
endif

# What makes a stack of a network card (signatures/network.h), and the rooms that it is made of.
APP_NETWORK  ?= inet
NETWORK_inet := dhcp dns ethernet inet ip tcp udp
NETWORK_lwip := lwip
APP_ROOMS    := $(sort $(APP_LIBS) $(NETWORK_$(APP_NETWORK)))

APP_DEPS     := $(sort $(DEPS_OF_platform) $(foreach room,$(APP_ROOMS),$(DEPS_OF_$(room)) $(DATA_OF_$(room))) $(APP_DATA))

APP_SOURCES := $(sort $(wildcard apps/$(APP)/*.c))
ifeq ($(APP_SOURCES),)
$(error '$(APP)' is not a program: there is no apps/$(APP)/*.c)
endif

# What app.mk names has to be there, and what the program's own sources ask for has to be named: a program is given
# these. The other headers of signatures/ are what they are made of, or the platforms' own.
GIVEN     := block clock console entropy memory signer stack timer
LIBRARIES := $(patsubst lib/%/exports,%,$(wildcard lib/*/exports))
APP_ASKS  := $(shell sed -n 's|^.include "signatures/\(.*\)\.h".*|\1|p' apps/$(APP)/*.[ch])
odd_one = $(firstword $(filter-out $(2),$(1)))
ifneq ($(call odd_one,$(APP_LIBS),$(LIBRARIES)),)
$(error '$(call odd_one,$(APP_LIBS),$(LIBRARIES))' in APP_LIBS is not a library: $(LIBRARIES))
endif
ifneq ($(call odd_one,$(APP_SIGNATURES),$(GIVEN)),)
$(error '$(call odd_one,$(APP_SIGNATURES),$(GIVEN))' in APP_SIGNATURES is nothing that a program is given: $(GIVEN))
endif
ifneq ($(call odd_one,$(filter $(GIVEN),$(APP_ASKS)),$(APP_SIGNATURES)),)
$(error apps/$(APP) includes signatures/$(call odd_one,$(filter $(GIVEN),$(APP_ASKS)),$(APP_SIGNATURES)).h: \
APP_SIGNATURES of its app.mk has to name it)
endif

APP_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(APP_SOURCES)) $(APP_EXTRA_OBJECTS)
image_object = $(DIST)/.image-$(1).o

.PHONY: app FORCE
app: $(DIST)/$(APP)$(SUFFIX_$(TARGET))

$(BUILD)/apps/%.o: apps/%.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(FREESTANDING) -c $< -o $@

# The image's own sections: settings, content, and the manifest that `ringlet describe` reads.
$(TARGETS:%=$(DIST)/.manifest-%): $(DIST)/.manifest-%: FORCE
	@mkdir -p $(DIST)
	@mk/manifest $(APP) $* "$(or $(RING0_PLATFORM_$*),process)" \
	    "$(if $(RING0_PLATFORM_$*),$(RING0_ROOMS),$(APP_ROOMS))" \
	    "$(sort $(APP_SIGNATURES) $(if $(RING0_PLATFORM_$*),$(RING0_NET),net))" \
	    "$(APP_DEPS)" >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

IMAGE_PARTS := settings content anchors keys certs
image_part = $(or $(wildcard $(CONFIG)/$(1)),$(DIST)/.empty)
# What holds private keys, or settings with a secret, is its owner's alone, from its first byte on.
guarded = $(if $(wildcard $(CONFIG)/keys $(CONFIG)/secret),umask 077 && rm -f $@ &&)

# What the program makes of its content (APP_PREPARER), if there is any.
PREPARED := $(if $(and $(APP_PREPARER),$(wildcard $(CONFIG)/content)),$(DIST)/.prepared)

$(TARGETS:%=$(call image_object,%)): $(call image_object,%): mk/image.S $(DIST)/.manifest-% $(PREPARED) \
                                     $(wildcard $(IMAGE_PARTS:%=$(CONFIG)/%))
	@mkdir -p $(DIST)
	@touch $(DIST)/.empty
	$(Q)$(guarded) $(CC) -c $< -o $@ $(if $(filter signer,$(APP_SIGNATURES)),-DSIGNER) \
	    -DSETTINGS_FILE='"$(call image_part,settings)"' \
	    -DCONTENT_FILE='"$(call image_part,content)"' \
	    -DPREPARED_FILE='"$(or $(PREPARED),$(DIST)/.empty)"' \
	    -DANCHORS_FILE='"$(call image_part,anchors)"' \
	    -DKEYS_FILE='"$(call image_part,keys)"' \
	    -DCERTS_FILE='"$(call image_part,certs)"' \
	    -DMANIFEST_FILE='"$(DIST)/.manifest-$*"'

# A process with the image's settings and content, and nothing else of it, which is gone when it has run. What it
# says of a failure is said again.
.INTERMEDIATE: $(DIST)/.preparer $(DIST)/.preparer.o
$(DIST)/.preparer.o: mk/image.S $(wildcard $(CONFIG)/settings $(CONFIG)/content)
	@mkdir -p $(DIST)
	@touch $(DIST)/.empty
	$(Q)$(guarded) $(CC) -c $< -o $@ -DSETTINGS_FILE='"$(call image_part,settings)"' \
	    -DCONTENT_FILE='"$(call image_part,content)"' \
	    $(foreach p,PREPARED ANCHORS KEYS CERTS MANIFEST,-D$(p)_FILE='"$(DIST)/.empty"')
$(DIST)/.preparer: $(APP_PREPARER) $(DIST)/.preparer.o $(APP_ROOMS:%=$(BUILD)/rooms/%.o) \
                   $(BUILD)/platform-process.a $(BUILD)/runtime.a | $(DEPS_LINKED)
	$(process_link)
$(DIST)/.prepared: $(DIST)/.preparer
	$(call say,prepare,$(CONFIG)/content)
	@$< --logs=error --net=host >$@.new && mv $@.new $@ || { cat $@.new >&2; false; }; \
	    status=$$?; rm -f $@.new $< $<.o; exit $$status

define process_link
$(Q)$(guarded) $(CC) $(LINK) -o $@ $(filter %.o,$^) -Wl,--whole-archive $(BUILD)/platform-process.a \
    -Wl,--no-whole-archive $(BUILD)/runtime.a $(DEPS_ARCHIVES)
endef
$(DIST)/$(APP): $(APP_OBJECTS) $(call image_object,process) $(APP_ROOMS:%=$(BUILD)/rooms/%.o) \
                $(BUILD)/platform-process.a $(BUILD)/runtime.a | $(DEPS_LINKED)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(process_link)
