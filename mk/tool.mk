# The ringlet command. `configure` is linked with one program's settings, the rest is common.

TOOL_OBJECTS := $(call objects,tool)
TOOL         := $(BUILD)/tool/$(APP)/ringlet

.PHONY: tool
tool: $(TOOL)

# It reads private keys and makes certificates: with AWS-LC's own headers.
$(BUILD)/tool/%.o: tool/%.c | $(DEPS_LINKED)
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(COMMON) $(HOSTED) -isystem $(DEPS)/aws-lc/include -c $< -o $@

$(TOOL): $(TOOL_OBJECTS) $(BUILD)/apps/$(APP)/settings.o $(BUILD)/libs.a $(BUILD)/runtime.a \
         $(BUILD)/platform-process.a | $(DEPS_LINKED)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(LINK) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
	    $(DEPS_ARCHIVES) -Wl,--end-group
