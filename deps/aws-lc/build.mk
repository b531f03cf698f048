# libcrypto, whole, with its ready-made assembly for x86-64.
#
# The list of files is upstream's own, as its builder for Rust carries it; of
# that list only the CPU jitter source of entropy is left out, since the kernel
# (or, in a machine of our own, RDRAND and virtio) is the source here.
upstream = $(SOURCE)/aws-lc
lists    = $(addprefix $(SOURCE)/builder/cc_builder/,universal.rs linux_x86_64.rs)
listed  := $(shell sed -n 's|^ *"\(.*\.[cS]\)",$$|aws-lc/\1|p' $(lists))
bignum   = aws-lc/third_party/s2n-bignum

library  = libcrypto.a
sources  = $(filter-out aws-lc/third_party/jitterentropy/%,$(listed))
headers  = $(patsubst $(SOURCE)/%,%,$(wildcard $(upstream)/include/openssl/*.h))
include  = openssl

# Without the AVX-512 AES code an image is 700 KB smaller, and AES-GCM still
# does more than 6 GB/s.
flags_process = -D_XOPEN_SOURCE=700 -pthread
flags = -std=gnu11 $(flags_$(FLAVOUR)) \
	-DBORINGSSL_IMPLEMENTATION -DNDEBUG \
	-DDISABLE_CPU_JITTER_ENTROPY -DMY_ASSEMBLER_IS_TOO_OLD_FOR_512AVX \
	-DCURVE25519_S2N_BIGNUM_CAPABLE -DS2N_BN_HIDE_SYMBOLS \
	-I$(upstream)/include \
	-I$(SOURCE)/$(bignum)/include -I$(SOURCE)/$(bignum)/s2n-bignum-imported/include

include library.mk

install: $(PREFIX)/LICENCE
$(PREFIX)/LICENCE: $(upstream)/LICENSE
	cp $< $@
