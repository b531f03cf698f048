/* See elf.h. */
#include "runtime/elf.h"

#include "runtime/reader.h"

#define HEADER       64
#define SECTION      64
#define CLASS64      2
#define LITTLE       1
#define TABLE_OFFSET 40 /* in the header: where the table of sections is */
#define TYPE_NOBITS  8  /* a section without bytes in the file */

struct section {
    uint32_t name;
    struct slice bytes;
};

bool elf_is(struct slice file)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F', CLASS64, LITTLE};
    return file.len >= HEADER && slice_starts(file, slice_of(magic, sizeof(magic)));
}

/* So many bytes of the file from an offset on; empty where they lie outside of it. */
static struct slice part(struct slice file, uint64_t offset, uint64_t len)
{
    if (offset > file.len || len > file.len - offset)
        return (struct slice){NULL, 0};
    return slice_take(slice_drop(file, (size_t)offset), (size_t)len);
}

static bool read_section(struct slice file, uint64_t table, uint32_t index, struct section *into)
{
    if (table > file.len)
        return false;
    struct reader r = reader_of(part(file, table + (uint64_t)index * SECTION, SECTION));
    into->name = read_le32(&r);
    uint32_t type = read_le32(&r);
    read_bytes(&r, 16); /* flags, address */
    uint64_t offset = read_little_endian(&r, 8);
    uint64_t size = read_little_endian(&r, 8);
    if (r.bad)
        return false;
    into->bytes = type == TYPE_NOBITS ? (struct slice){NULL, 0} : part(file, offset, size);
    return true;
}

static bool is_named(const struct section *names, const struct section *s, const char *name)
{
    struct slice text = slice_drop(names->bytes, s->name);
    return slice_is(slice_take(text, slice_find(text, 0)), name);
}

bool elf_section(struct slice file, const char *name, struct slice *into)
{
    struct reader r = reader_of(slice_drop(file, TABLE_OFFSET));
    uint64_t table = read_little_endian(&r, 8);
    read_bytes(&r, 12); /* flags, sizes of the headers */
    uint16_t count = read_le16(&r);
    uint16_t names_index = read_le16(&r);
    struct section names, section;
    if (!elf_is(file) || r.bad || !read_section(file, table, names_index, &names))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_section(file, table, i, &section))
            return false;
        if (is_named(&names, &section, name)) {
            *into = section.bytes;
            return true;
        }
    }
    return false;
}
