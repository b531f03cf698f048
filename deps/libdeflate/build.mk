# FREESTANDING: the library calls nothing. Its allocator is then the caller's,
# given through struct libdeflate_options.
library = libdeflate.a
sources = $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/lib/*.c $(SOURCE)/lib/x86/*.c))
headers = libdeflate.h
flags   = -DFREESTANDING -std=gnu11 -I$(SOURCE)

include library.mk

install: $(PREFIX)/LICENCE
$(PREFIX)/LICENCE: $(SOURCE)/COPYING
	cp $< $@
