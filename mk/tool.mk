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

# Packetdrill's door (tool/packetdrill): the stack, in the simulation's place, as one shared object
# of which only the one name that packetdrill asks for can be seen.
PACKETDRILL_OBJECTS := $(call objects,tool/packetdrill)
PACKETDRILL_ARCHIVES := $(BUILD)/libs.a $(BUILD)/platform-sim.a $(BUILD)/runtime.a

.PHONY: packetdrill
packetdrill: $(BUILD)/packetdrill.so

$(BUILD)/packetdrill.so: $(PACKETDRILL_OBJECTS) $(PACKETDRILL_ARCHIVES)
	$(call say,link,$@)
	@ld -r -o $@.o $(PACKETDRILL_OBJECTS) --start-group $(PACKETDRILL_ARCHIVES) --end-group
	@objcopy --keep-global-symbol=packetdrill_interface_init $@.o
	$(Q)$(CC) $(INSTRUMENT) -shared -o $@ $@.o
	@rm -f $@.o
