/*
 * How fast the store takes a pack in: `store_ingest PACK [sha256]` feeds it in pieces of the size
 * that a network gives, and prints milliseconds, MB/s and what memory it took, in parts of the
 * pack's size. Compare with `git index-pack` on the same file.
 */
#include "lib/store/store.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

#include <stdio.h>
#include <stdlib.h>

#define PIECE (64u << 10)

static struct slice read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL || fseek(f, 0, SEEK_END) != 0)
        return slice_of(NULL, 0);
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(size ? size : 1);
    size_t n = bytes ? fread(bytes, 1, size, f) : 0;
    fclose(f);
    return slice_of(bytes, n);
}

static enum err ingest(struct store *s, struct slice pack, struct buf *line)
{
    struct store_pack *p;
    enum err e = store_pack_begin(s, &p);
    if (e != OK)
        return e;
    while (pack.len > 0 && store_pack_feed(p, slice_take(pack, PIECE)) == OK)
        pack = slice_drop(pack, PIECE);
    return store_pack_end(p, line);
}

int main(int argc, char **argv)
{
    struct slice pack = argc > 1 ? read_file(argv[1]) : slice_of(NULL, 0);
    if (pack.ptr == NULL) {
        fprintf(stderr, "usage: store_ingest PACK [sha256]\n");
        return 2;
    }
    struct store *s = store_open(argc > 2 ? OID_SHA256 : OID_SHA1, NULL);
    struct buf line;
    buf_init(&line, 512);
    uint64_t start = clock_monotonic();
    enum err e = ingest(s, pack, &line);
    double ms = (double)(clock_monotonic() - start) / 1e6;
    if (e != OK) {
        fprintf(stderr, "%s: %.*s\n", err_text(e), SLICE_ARG(buf_slice(&line)));
        return 1;
    }
    struct store_stats stats = store_stats(s);
    struct memory_stats memory = memory_stats();
    printf("%u objects, %.1f MB packed, %.1f MB inflated: %.0f ms, %.1f MB/s packed, "
           "%.0f MB/s inflated; memory %.1f MB (%.2f x pack), peak %.1f MB (%.2f x pack)\n",
           stats.objects, (double)pack.len / 1e6, (double)stats.inflated_bytes / 1e6, ms,
           (double)pack.len / 1e3 / ms, (double)stats.inflated_bytes / 1e3 / ms,
           (double)memory.bytes / 1e6, (double)memory.bytes / (double)pack.len,
           (double)memory.peak / 1e6, (double)memory.peak / (double)pack.len);
    buf_deinit(&line);
    store_close(s);
    free((void *)(uintptr_t)pack.ptr);
    return memory_stats().blocks != 0;
}
