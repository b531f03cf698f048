# One program: apps/APP with the configuration in CONFIG, linked to DIST/APP.
#
# CONFIG holds what `ringlet configure` wrote: settings (text), content (a git bundle). All of it is
# optional; what is not there is empty.

APP    ?= canopy
CONFIG ?= apps/$(APP)/.ringlet
DIST   ?= apps/$(APP)/dist

ifneq ($(wildcard apps/$(APP)/app.mk),)
include apps/$(APP)/app.mk
endif

APP_SOURCES := $(sort $(wildcard apps/$(APP)/*.c))
APP_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(APP_SOURCES)) $(APP_EXTRA_OBJECTS)
IMAGE_OBJECT := $(DIST)/.image.o

.PHONY: app FORCE
app: $(DIST)/$(APP)

$(BUILD)/apps/%.o: apps/%.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(FREESTANDING) -c $< -o $@

# The image's own sections: settings, content, and the manifest that `ringlet describe` reads.
$(DIST)/.manifest: FORCE
	@mkdir -p $(DIST)
	@mk/manifest $(APP) process "$(APP_LIBS)" "$(APP_SIGNATURES)" >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(IMAGE_OBJECT): mk/image.S $(DIST)/.manifest $(wildcard $(CONFIG)/settings $(CONFIG)/content)
	@mkdir -p $(DIST)
	@touch $(DIST)/.empty
	$(Q)$(CC) -c $< -o $@ \
	    -DSETTINGS_FILE='"$(or $(wildcard $(CONFIG)/settings),$(DIST)/.empty)"' \
	    -DCONTENT_FILE='"$(or $(wildcard $(CONFIG)/content),$(DIST)/.empty)"' \
	    -DMANIFEST_FILE='"$(DIST)/.manifest"'

$(DIST)/$(APP): $(APP_OBJECTS) $(IMAGE_OBJECT) $(APP_LIBS:%=$(BUILD)/rooms/%.o) \
                $(BUILD)/platform-process.a $(BUILD)/runtime.a | $(DEPS_LIB:%=$(DEPS)/%)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LINK) -o $@ $(filter %.o,$^) -Wl,--whole-archive $(BUILD)/platform-process.a \
	    -Wl,--no-whole-archive $(BUILD)/runtime.a $(DEPS_ARCHIVES)
