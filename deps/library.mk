# How a recipe's build.mk compiles a static library.
#
# It sets, before it includes this file:
#   library   the archive's name
#   sources   .c and .S files, relative to $(SOURCE)
#   flags     what its own files need on top of $(CFLAGS)
#   headers   public headers, relative to $(SOURCE)
#   include   the folder below include/ that they go to, if any
#
# deps/get gives SOURCE, PREFIX, FLAVOUR, CC and CFLAGS, and runs make in a
# folder of its own, into which it copied the recipe and this file.

AR ?= ar

# Nothing knows in which folder it was built (__FILE__ would): images are the same whoever builds them.
override CFLAGS += -ffile-prefix-map=$(SOURCE)/= -ffile-prefix-map=$(CURDIR)=.

objects := $(addsuffix .o,$(sources))

install: $(PREFIX)/lib/$(library) install-headers

$(PREFIX)/lib/$(library): $(objects)
	mkdir -p $(@D)
	$(AR) rcsD $@ $(objects)

install-headers:
	mkdir -p $(PREFIX)/include/$(include)
	cp $(addprefix $(SOURCE)/,$(headers)) $(PREFIX)/include/$(include)

$(filter %.c.o,$(objects)): %.c.o: $(SOURCE)/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(flags) -c -o $@ $<

$(filter %.S.o,$(objects)): %.S.o: $(SOURCE)/%.S
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(flags) -Wa,--noexecstack -c -o $@ $<

.PHONY: install install-headers
.DELETE_ON_ERROR:
