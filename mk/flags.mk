# Compilers and their flags. BUILD is the folder of one flavour of objects.

ifeq ($(origin CC),default)
CC := gcc
endif
BUILD ?= build
JOBS  ?= $(shell nproc)

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
            -Wundef -Wpointer-arith -Wcast-align -Wwrite-strings -Werror
OPTIMISE ?= $(if $(SANITIZE),-O1 -g1,-O2 -g)
# Test programs are compiled to be compiled soon; -Og still follows what is never set, or goes too far.
OPTIMISE_TESTS ?= $(if $(SANITIZE),-O0,-Og)
HARDEN   := -fstack-protector-strong -fno-common -ffunction-sections -fdata-sections -fPIE
# SANITIZE=1: the same sources under the sanitizers, in a folder of their own. They compile in half the
# time with -O1 and without the names of variables; how far a number may go, gcc does not know then.
ifdef SANITIZE
INSTRUMENT := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer \
              -Wno-format-truncation
endif

COMMON := -std=gnu11 $(OPTIMISE) $(WARNINGS) $(HARDEN) $(INSTRUMENT) -I. -MMD -MP \
          -ffile-prefix-map=$(CURDIR)=.

# What runs inside of an image sees no C library, whatever the target: only the compiler's own
# headers and runtime/include. (-fbuiltin: a memcpy of eight bytes is a move, strlen("x") is 1.)
COMPILER_INCLUDE := $(shell $(CC) -print-file-name=include 2>/dev/null)
FREESTANDING := -ffreestanding -fbuiltin -nostdinc -isystem runtime/include -isystem $(COMPILER_INCLUDE)
HOSTED       := -D_GNU_SOURCE

LINK := $(INSTRUMENT) -pie -Wl,--gc-sections -Wl,-z,relro,-z,now,-z,noexecstack \
        -Wl,--build-id=sha1
# What is never shipped has the linker that is done soonest.
LINK_SOON = $(LINK) -fuse-ld=lld

# V=1 shows whole commands instead of one word and a name, QUIET=1 shows nothing.
ifdef V
Q   :=
say :=
else ifdef QUIET
Q   := @
say := @:
else
Q   := @
say  = @printf '  %-5s %s\n' $(1) $(2)
endif
.DELETE_ON_ERROR:
