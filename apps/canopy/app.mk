# What canopy is linked with, and what it is given.
APP_LIBS       := atom date dial git gzip hash http markdown site store text tls x509
APP_SIGNATURES := clock console entropy memory signer stack timer
APP_DATA       := bootstrap font highlight
APP_EXTRA_OBJECTS := $(BUILD)/apps/canopy/assets.o

# What it makes of content while an image is built: the pages (world.prepared).
APP_PREPARER := $(patsubst %,$(BUILD)/apps/canopy/%.o,press/press assets content incoming problem settings stand_in trust)

# The built-in theme: path below /static, file.
$(BUILD)/apps/canopy/assets.o: mk/embed apps/canopy/assets $(wildcard apps/canopy/theme/*) \
                               | $(DEPS_LINKED)
	@mkdir -p $(@D)
	@mk/embed canopy_assets $(DEPS) apps/canopy/assets $(@:.o=) >$(@:.o=.S)
	$(Q)$(CC) -c $(@:.o=.S) -o $@
