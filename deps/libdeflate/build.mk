# Not FREESTANDING, though a process would not mind: that brings weak memcpy,
# memset and their kin, slow ones, which would stand in for the C library's in
# the whole program, and which compilers turn into calls of themselves. A
# flavour without a C library gives its own, and must leave those out.
library = libdeflate.a
sources = $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/lib/*.c $(SOURCE)/lib/x86/*.c))
headers = libdeflate.h
flags   = -std=gnu11 -I$(SOURCE)

include library.mk

install: $(PREFIX)/LICENCE
$(PREFIX)/LICENCE: $(SOURCE)/COPYING
	cp $< $@
