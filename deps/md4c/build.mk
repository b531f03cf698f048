# In a release build md4c tells the compiler that its assertions cannot fail:
# a mistake on hostile text would run on, anywhere. Here a failed one traps.
#
# Its memory comes from its caller: see memory.h.
library = libmd4c.a
sources = src/md4c.c src/entity.c
headers = src/md4c.h src/entity.h
flags   = -DMD4C_USE_UTF8 '-D__builtin_unreachable()=__builtin_trap()' -include memory.h

include library.mk

install: $(PREFIX)/LICENCE
$(PREFIX)/LICENCE: $(SOURCE)/LICENSE.md
	cp $< $@
