/* See elf.h. */
#include "runtime/elf.h"

#include "runtime/reader.h"

#define HEADER       64
#define SECTION      64
#define CLASS64      2
#define LITTLE       1
#define TABLE_OFFSET 40 /* in the header: where the table of sections is */
#define TYPE_NOBITS  8  /* a section without bytes in the file */

/* A file, and where in it the table of sections and their names are. */
struct elf {
    elf_read_fn *read;
    void *arg;
    uint64_t table;
    uint16_t count;
    struct elf_place names;
};

struct section {
    uint32_t name; /* where in the names */
    struct elf_place place;
};

bool elf_is(struct slice file)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F', CLASS64, LITTLE};
    return file.len >= HEADER && slice_starts(file, slice_of(magic, sizeof(magic)));
}

static bool read_section(const struct elf *e, uint32_t index, struct section *into)
{
    uint8_t bytes[SECTION];
    uint64_t offset = e->table + (uint64_t)index * SECTION;
    if (offset < e->table || !e->read(e->arg, offset, bytes, sizeof(bytes)))
        return false;
    struct reader r = reader_of(slice_of(bytes, sizeof(bytes)));
    into->name = read_le32(&r);
    uint32_t type = read_le32(&r);
    read_bytes(&r, 16); /* flags, address */
    into->place.offset = read_little_endian(&r, 8);
    into->place.size = read_little_endian(&r, 8);
    if (type == TYPE_NOBITS)
        into->place.size = 0;
    return !r.bad;
}

static bool read_header(struct elf *e)
{
    uint8_t bytes[HEADER];
    struct section names;
    if (!e->read(e->arg, 0, bytes, sizeof(bytes)) || !elf_is(slice_of(bytes, sizeof(bytes))))
        return false;
    struct reader r = reader_of(slice_drop(slice_of(bytes, sizeof(bytes)), TABLE_OFFSET));
    e->table = read_little_endian(&r, 8);
    read_bytes(&r, 12); /* flags, sizes of the headers */
    e->count = read_le16(&r);
    uint16_t names_index = read_le16(&r);
    if (r.bad || !read_section(e, names_index, &names))
        return false;
    e->names = names.place;
    return true;
}

/* Names end with a zero byte. */
static bool is_named(const struct elf *e, const struct section *s, struct slice name)
{
    uint8_t bytes[ELF_NAME_MAX + 1];
    size_t len = name.len + 1;
    return s->name <= e->names.size && len <= e->names.size - s->name &&
           e->names.offset <= UINT64_MAX - s->name &&
           e->read(e->arg, e->names.offset + s->name, bytes, len) && bytes[name.len] == 0 &&
           slice_equal(slice_of(bytes, name.len), name);
}

bool elf_find(elf_read_fn *read, void *arg, const char *name, struct elf_place *into)
{
    struct elf e = {.read = read, .arg = arg};
    struct section section;
    struct slice wanted = slice_text(name);
    if (wanted.len > ELF_NAME_MAX || !read_header(&e))
        return false;
    for (uint32_t i = 0; i < e.count; i++) {
        if (!read_section(&e, i, &section))
            return false;
        if (is_named(&e, &section, wanted)) {
            *into = section.place;
            return true;
        }
    }
    return false;
}

/* --- a file that is at hand --- */

static bool is_within(struct slice file, uint64_t offset, uint64_t len)
{
    return offset <= file.len && len <= file.len - offset;
}

static bool read_slice(void *arg, uint64_t offset, void *into, size_t len)
{
    const struct slice *file = arg;
    if (!is_within(*file, offset, len))
        return false;
    memcpy(into, file->ptr + offset, len);
    return true;
}

bool elf_section(struct slice file, const char *name, struct slice *into)
{
    struct elf_place place;
    if (!elf_find(read_slice, &file, name, &place) ||
        (place.size > 0 && !is_within(file, place.offset, place.size)))
        return false;
    *into = slice_of(place.size > 0 ? file.ptr + place.offset : NULL, (size_t)place.size);
    return true;
}
