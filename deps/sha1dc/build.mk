# Detection is on by default, and so is the safe hash. The input is read as
# words: that is made lawful C by copying each block to an aligned buffer and
# by letting bytes be seen as words.
library = libsha1dc.a
folder  = src/util/hash/sha1dc
sources = $(folder)/sha1.c $(folder)/ubc_check.c
headers = $(folder)/sha1.h $(folder)/ubc_check.h
include = sha1dc
flags   = -DSHA1DC_FORCE_ALIGNED_ACCESS -fno-strict-aliasing

include library.mk

# The licence is named in libgit2's list. The file of a published collision is
# for the tests.
install: $(PREFIX)/LICENCE $(PREFIX)/share/shattered-1.pdf
$(PREFIX)/LICENCE: $(SOURCE)/COPYING
	sed -n '/SHA1 collision detection code/,/^---/p' $< | sed '$$d' > $@
	grep -q 'Permission is hereby granted' $@
$(PREFIX)/share/shattered-1.pdf: $(SOURCE)/tests/resources/sha1/shattered-1.pdf
	mkdir -p $(@D)
	cp $< $@
