# libcrypto and libssl, whole, with their ready-made assembly for x86-64.
#
# The list of libcrypto's files is upstream's own, as its builder for Rust
# carries it. Left out of it are the sources of entropy: CRYPTO_sysrand, which
# takes their place, is platform/crypto's, as are OPENSSL_memory_alloc and kin.
#
# Two flavours: `process`, and `freestanding`, which sees no C library: its
# headers are all made of libc.h beside this file (and the compiler's own), and
# what it leaves undefined is what freestanding.undefined lists.
upstream = $(SOURCE)/aws-lc
lists    = $(addprefix $(SOURCE)/builder/cc_builder/,universal.rs linux_x86_64.rs)
listed  := $(shell sed -n 's|^ *"\(.*\.[cS]\)",$$|aws-lc/\1|p' $(lists))
bignum   = aws-lc/third_party/s2n-bignum
omitted  = aws-lc/third_party/jitterentropy/% \
	aws-lc/crypto/rand_extra/urandom.c aws-lc/crypto/rand_extra/getentropy.c

library  = libcrypto.a
sources  = $(filter-out $(omitted) $(omitted_$(FLAVOUR)),$(listed))
headers  = $(patsubst $(SOURCE)/%,%,$(wildcard $(upstream)/include/openssl/*.h))
include  = openssl

# A list of certificates in a folder, and TLS 1.2's CBC suites by the one piece
# of assembly that uses the red zone: not without an operating system.
omitted_freestanding = aws-lc/crypto/x509/by_dir.c %/aesni-sha256-x86_64.S

# Without the AVX-512 AES code an image is 700 KB smaller, and AES-GCM still
# does more than 6 GB/s.
flags_process = -D_XOPEN_SOURCE=700 -pthread
flags_freestanding = -DOPENSSL_NANOLIBC -DANDROID_BAREMETAL -U__linux__ -ffreestanding \
	-nostdinc $(cxx) -isystem libc -isystem $(compiler_include)
flags = $(std) $(flags_$(FLAVOUR)) \
	-DBORINGSSL_IMPLEMENTATION -DNDEBUG \
	-DDISABLE_CPU_JITTER_ENTROPY -DMY_ASSEMBLER_IS_TOO_OLD_FOR_512AVX \
	-DCURVE25519_S2N_BIGNUM_CAPABLE -DS2N_BN_HIDE_SYMBOLS \
	-I$(upstream)/include \
	-I$(SOURCE)/$(bignum)/include -I$(SOURCE)/$(bignum)/s2n-bignum-imported/include
std = -std=gnu11

include library.mk

# libssl is C++ that needs no C++ at run time.
tls_sources := $(patsubst $(SOURCE)/%,%,$(filter-out %_test.cc %_common_test.cc,\
	$(wildcard $(upstream)/ssl/*.cc)))
tls_objects := $(addsuffix .o,$(tls_sources))

install: $(PREFIX)/lib/libssl.a
$(PREFIX)/lib/libssl.a: $(tls_objects)
	mkdir -p $(@D)
	$(AR) rcsD $@ $(tls_objects)

$(tls_objects): std = -x c++ -std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics
$(tls_objects): %.cc.o: $(SOURCE)/%.cc
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(flags) -c -o $@ $<

# In an image what is not an inner loop of cryptography is made small; string instructions, which gcc
# then likes, are slow where the processor is emulated.
ifeq ($(FLAVOUR),freestanding)
small = -Os $(foreach f,memcpy memset,-m$(f)-strategy=libcall:-1:noalign)
$(filter-out %/bcm.c.o %.S.o,$(objects)) $(tls_objects): flags += $(small)

# Of Ed25519, which browsers take no certificate of, only the assembly that needs no newer processor, not that for
# those with ADX as well: an image is 90 KB smaller.
alone = $(foreach f,base double,-Dedwards25519_scalarmul$(f)=edwards25519_scalarmul$(f)_alt)
$(filter %/bcm.c.o,$(objects)): flags += $(alone)

cxx_folders := $(shell $(CC) -x c++ -E -v /dev/null 2>&1 | sed -n 's|^ \(.*/c++/.*\)|\1|p')
cxx_include = -isystem libcxx $(addprefix -isystem ,$(cxx_folders))
$(tls_objects): cxx = $(cxx_include)
compiler_include := $(shell $(CC) -print-file-name=include)
libc   := assert ctype errno features inttypes limits stdio stdlib string strings time unistd \
	sys/socket sys/time sys/types
libcxx := algorithm bitset memory stdlib.h cstdlib

$(objects) $(tls_objects): libc/made
libc/made: libc.h libcxx.h
	mkdir -p libc/sys libcxx
	for each in $(libc); do echo '#include "$(CURDIR)/libc.h"' >libc/$$each.h; done
	for each in $(libcxx); do echo '#include "$(CURDIR)/libcxx.h"' >libcxx/$$each; done
	touch $@
endif

install: $(PREFIX)/LICENCE
$(PREFIX)/LICENCE: $(upstream)/LICENSE
	cp $< $@
