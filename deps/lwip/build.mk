# The stack without an operating system, for IPv4 and IPv6. How it is configured is part of the
# library: lwipopts.h and cc.h are ours.
library = liblwip.a
sources = $(patsubst $(SOURCE)/%,%,$(wildcard $(SOURCE)/src/core/*.c $(SOURCE)/src/core/ipv4/*.c \
            $(SOURCE)/src/core/ipv6/*.c)) src/netif/ethernet.c
headers = src/include/lwip/*.h
include = lwip
flags   = -I$(SOURCE)/src/include -I$(PREFIX)/include -fno-strict-aliasing

include library.mk

$(objects): $(PREFIX)/include/lwipopts.h $(PREFIX)/include/arch/cc.h
$(PREFIX)/include/lwipopts.h: lwipopts.h
	mkdir -p $(@D)
	cp $< $@
$(PREFIX)/include/arch/cc.h: cc.h
	mkdir -p $(@D)
	cp $< $@

install: $(PREFIX)/LICENCE more-headers
more-headers: install-headers
	cp -R $(SOURCE)/src/include/lwip/priv $(SOURCE)/src/include/lwip/prot $(PREFIX)/include/lwip/
	cp -R $(SOURCE)/src/include/netif $(PREFIX)/include/
$(PREFIX)/LICENCE: $(SOURCE)/COPYING
	cp $< $@
.PHONY: more-headers
