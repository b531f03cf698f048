/* See pack.h. */
#include "tests/support/pack.h"

#include "lib/git/hash.h"
#include "lib/git/pack.h"
#include "tests/support/shell.h"

#include <stdio.h>
#include <stdlib.h>

static void die(const char *what)
{
    perror(what);
    exit(1);
}

struct slice file_read(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s%s%s", name[0] == '/' ? "" : scratch(),
             name[0] == '/' ? "" : "/", name);
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0)
        die(path);
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(size + 1);
    if (!bytes || fread(bytes, 1, size, f) != size)
        die(path);
    fclose(f);
    return slice_of(bytes, size);
}

void file_free(struct slice bytes)
{
    free((void *)(uintptr_t)bytes.ptr);
}

/* --- stock git -------------------------------------------------------------------------------- */

static void write_commit(FILE *f, int number, int mark, int from, int merge)
{
    fprintf(f,
            "commit refs/heads/main\nmark :%d\nauthor A <a@example.org> %d +0100\n"
            "committer C <c@example.org> %d -0330\ndata 12\ncommit %4d\n",
            mark, 1500000000 + number * 1000, 1500000500 + number * 1000, number);
    if (from)
        fprintf(f, "from :%d\n", from);
    if (merge)
        fprintf(f, "merge :%d\n", merge);
}

static void write_file(FILE *f, const char *path, const char *text, int lines, int edit)
{
    size_t line = strlen(text) + 8;
    fprintf(f, "M 100644 inline %s\ndata %zu\n", path, line * (size_t)lines);
    for (int i = 0; i < lines; i++)
        fprintf(f, "%s%7d\n", text, i == edit % lines ? edit : i);
}

static void write_history(FILE *f)
{
    char path[64];
    for (int i = 1; i <= 40; i++) {
        write_commit(f, i, i, i - 1, i == 30 ? 20 : 0);
        snprintf(path, sizeof(path), "folder%d/file%d", i % 3, i % 7);
        write_file(f, path, "a line of a text that is much like the others, number", 60, i * 100);
        if (i == 5)
            write_file(f, "large", "a large file deflates in many blocks, of which this is one",
                       45000, 1);
        if (i == 6)
            fprintf(f, "M 100644 inline empty\ndata 0\n");
        if (i == 7)
            fprintf(f, "R folder1/file4 folder2/renamed\n");
        if (i == 9)
            write_file(f, "large", "a large file deflates in many blocks, of which this is one",
                       45000, 20000);
    }
    fprintf(f, "tag v1\nfrom :40\ntagger T <t@example.org> 1600000000 +0000\ndata 4\none\n");
}

void repo_make(const char *name, const char *format)
{
    char command[512];
    shell("git init -q --bare --object-format=%s %s.git", format, name);
    snprintf(command, sizeof(command), "git -C %s/%s.git fast-import --quiet", scratch(), name);
    FILE *f = popen(command, "w");
    if (!f)
        die(command);
    write_history(f);
    if (pclose(f) != 0)
        die(command);
}

void repo_pack(const char *name, const char *file, const char *revs, const char *options)
{
    shell("printf -- '%s' | git -C %s.git pack-objects -q --revs --stdout %s > %s", revs, name,
          options, file);
}

struct oid repo_commit(const char *name, enum oid_kind kind, const char *rev)
{
    struct oid id;
    if (!oid_from_hex(kind, slice_text(shell_output("git -C %s.git rev-parse %s", name, rev)), &id))
        die("rev-parse");
    return id;
}

/* Numbers that are the same in every run. */
static size_t next_number(size_t most)
{
    static uint64_t state = 1;
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (size_t)(state >> 33) % most + 1;
}

enum err pack_feed(struct store *s, struct slice pack, size_t most, struct buf *error)
{
    struct store_pack *p;
    enum err e = store_pack_begin(s, &p);
    if (e != OK)
        return e;
    while ((e == OK || e == ERR_AGAIN) && pack.len > 0) {
        size_t n = most ? next_number(most) : pack.len;
        e = store_pack_feed(p, slice_take(pack, n));
        pack = slice_drop(pack, n);
    }
    while ((e = store_pack_end(p, error)) == ERR_AGAIN)
        ;
    return e;
}

/* --- by hand ---------------------------------------------------------------------------------- */

static void put_be32(struct buf *b, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        buf_byte(b, (uint8_t)(value >> shift));
}

void pack_start(struct buf *b, uint32_t objects)
{
    buf_text(b, "PACK");
    put_be32(b, 2);
    put_be32(b, objects);
}

static void entry_header(struct buf *b, unsigned type, uint64_t size)
{
    uint8_t byte = (uint8_t)(type << 4 | (size & 15));
    for (size >>= 4; size != 0; size >>= 7) {
        buf_byte(b, byte | 0x80);
        byte = size & 0x7f;
    }
    buf_byte(b, byte);
}

static uint32_t adler32(struct slice bytes)
{
    uint32_t low = 1;
    uint32_t high = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        low = (low + bytes.ptr[i]) % 65521;
        high = (high + low) % 65521;
    }
    return high << 16 | low;
}

void zlib_stored(struct buf *b, struct slice content)
{
    uint32_t sum = adler32(content);
    buf_put(b, SLICE("\x78\x01"));
    do {
        struct slice block = slice_take(content, 65535);
        content = slice_drop(content, block.len);
        buf_byte(b, content.len == 0);
        buf_byte(b, (uint8_t)block.len);
        buf_byte(b, (uint8_t)(block.len >> 8));
        buf_byte(b, (uint8_t)~block.len);
        buf_byte(b, (uint8_t)(~block.len >> 8));
        buf_put(b, block);
    } while (content.len > 0);
    put_be32(b, sum);
}

void pack_entry(struct buf *b, unsigned type, uint64_t size, struct slice content)
{
    entry_header(b, type, size);
    zlib_stored(b, content);
}

void pack_object(struct buf *b, unsigned type, struct slice content)
{
    pack_entry(b, type, content.len, content);
}

void pack_ofs_delta(struct buf *b, uint64_t back, struct slice delta)
{
    uint8_t bytes[10];
    size_t at = sizeof(bytes);
    bytes[--at] = back & 0x7f;
    while (back >>= 7)
        bytes[--at] = (uint8_t)(0x80 | (--back & 0x7f));
    entry_header(b, GIT_OFS_DELTA, delta.len);
    buf_put(b, slice_of(bytes + at, sizeof(bytes) - at));
    zlib_stored(b, delta);
}

void pack_ref_delta(struct buf *b, enum oid_kind kind, const struct oid *base, struct slice delta)
{
    entry_header(b, GIT_REF_DELTA, delta.len);
    buf_put(b, slice_of(base->bytes, oid_bytes(kind)));
    zlib_stored(b, delta);
}

void pack_finish(struct buf *b, enum oid_kind kind)
{
    struct git_hash h;
    struct oid id;
    git_hash_init(&h, kind);
    git_hash_update(&h, buf_slice(b));
    git_hash_final(&h, &id);
    buf_put(b, slice_of(id.bytes, oid_bytes(kind)));
}

static void varint(struct buf *b, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        buf_byte(b, (uint8_t)(0x80 | (value & 0x7f)));
    buf_byte(b, (uint8_t)value);
}

void delta_start(struct buf *b, uint64_t base, uint64_t result)
{
    varint(b, base);
    varint(b, result);
}

void delta_copy(struct buf *b, uint32_t offset, uint32_t size)
{
    uint8_t bytes[8];
    size_t n = 1;
    bytes[0] = 0x80;
    for (unsigned i = 0; i < 4; i++) {
        if (offset >> 8 * i & 0xff) {
            bytes[0] |= (uint8_t)(1u << i);
            bytes[n++] = (uint8_t)(offset >> 8 * i);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        if (size >> 8 * i & 0xff) {
            bytes[0] |= (uint8_t)(0x10u << i);
            bytes[n++] = (uint8_t)(size >> 8 * i);
        }
    }
    buf_put(b, slice_of(bytes, n));
}

void delta_insert(struct buf *b, struct slice bytes)
{
    while (bytes.len > 0) {
        struct slice part = slice_take(bytes, 127);
        buf_byte(b, (uint8_t)part.len);
        buf_put(b, part);
        bytes = slice_drop(bytes, part.len);
    }
}
