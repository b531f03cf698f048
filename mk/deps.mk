# Third-party libraries: recipes in deps/, built into a cache outside of the tree, linked here.

DEPS      := build/deps
DEPS_LIB  := aws-lc libdeflate md4c sha1dc
DEPS_DATA := media-types bootstrap highlight font
DEPS_TEST := commonmark-spec axe-core playwright-core lwip
DEPS_BENCH := lwip

# What needs a library waits for this: linked anew when a recipe has changed. (CC= : one compiler
# builds them, whichever builds us.)
DEPS_LINKED := $(DEPS)/.linked

.PHONY: deps deps-test deps-bench
deps: $(DEPS_LINKED)
	@:
$(DEPS_LINKED): deps/get $(wildcard deps/library.mk deps/*/*)
	@CC= deps/get --link $(DEPS) $(DEPS_LIB) $(DEPS_DATA) >/dev/null
	@touch $@
deps-bench: deps
	@CC= deps/get --link $(DEPS) $(DEPS_BENCH) >/dev/null
deps-test: deps
	@CC= deps/get --link $(DEPS) $(DEPS_TEST) >/dev/null

# Which room wraps which library. No other room sees its headers.
DEPS_OF_hash     := aws-lc sha1dc
DEPS_OF_tls      := aws-lc
DEPS_OF_x509     := aws-lc
DEPS_OF_store    := libdeflate
DEPS_OF_gzip     := libdeflate
DEPS_OF_markdown := md4c
# And what else of theirs is in an image: data that a room is made with; random numbers (platform/) in each.
DATA_OF_site     := media-types
DEPS_OF_platform := aws-lc

DEPS_ARCHIVES := $(DEPS)/aws-lc/lib/libssl.a $(DEPS)/aws-lc/lib/libcrypto.a $(DEPS)/sha1dc/lib/libsha1dc.a \
                 $(DEPS)/libdeflate/lib/libdeflate.a $(DEPS)/md4c/lib/libmd4c.a
