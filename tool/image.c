/* See image.h. The file is checked before it is believed: every offset goes through a slice. */
#include "tool/image.h"

#include "runtime/reader.h"
#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ELF_HEADER  64
#define ELF_SECTION 64
#define ELF_CLASS64 2
#define ELF_LITTLE  1
#define SHT_NOBITS_ 8

static bool map_file(struct image *image, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        tool_error("cannot read %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    size_t size = (size_t)st.st_size;
    void *at = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (!at || at == MAP_FAILED) {
        tool_error("%s is not a built image", path);
        return false;
    }
    image->file = slice_of(at, size);
    return true;
}

bool image_open(struct image *image, const char *path)
{
    static const uint8_t magic[] = {0x7f, 'E', 'L', 'F', ELF_CLASS64, ELF_LITTLE};
    if (!map_file(image, path))
        return false;
    if (image->file.len >= ELF_HEADER && slice_starts(image->file, slice_of(magic, sizeof(magic))))
        return true;
    tool_error("%s is not a built image", path);
    image_close(image);
    return false;
}

void image_close(struct image *image)
{
    munmap((void *)(uintptr_t)image->file.ptr, image->file.len);
    image->file = (struct slice){NULL, 0};
}

static uint64_t read_le64(struct reader *r)
{
    uint64_t low = read_le32(r);
    return low | (uint64_t)read_le32(r) << 32;
}

struct section {
    uint32_t name;
    struct slice bytes;
};

/* The part of the file from an offset on, at most len bytes; empty where it lies outside. */
static struct slice part(const struct image *image, uint64_t offset, uint64_t len)
{
    struct slice rest =
        slice_drop(image->file, offset > image->file.len ? image->file.len : offset);
    return len > rest.len ? (struct slice){NULL, 0} : slice_take(rest, len);
}

static bool read_section(const struct image *image, uint64_t table, uint32_t index,
                         struct section *into)
{
    struct reader r = reader_of(part(image, table + (uint64_t)index * ELF_SECTION, ELF_SECTION));
    into->name = read_le32(&r);
    uint32_t type = read_le32(&r);
    read_bytes(&r, 16); /* flags, address */
    uint64_t offset = read_le64(&r);
    uint64_t size = read_le64(&r);
    if (r.bad)
        return false;
    into->bytes = type == SHT_NOBITS_ ? (struct slice){NULL, 0} : part(image, offset, size);
    return true;
}

bool image_section(const struct image *image, const char *name, struct slice *into)
{
    struct reader r = reader_of(slice_drop(image->file, 40));
    uint64_t table = read_le64(&r);
    read_bytes(&r, 12); /* flags, sizes of the headers */
    uint16_t count = read_le16(&r);
    uint16_t names_index = read_le16(&r);
    struct section names, section;
    if (r.bad || table > image->file.len || !read_section(image, table, names_index, &names))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!read_section(image, table, i, &section))
            return false;
        struct slice text = slice_drop(names.bytes, section.name);
        text = slice_take(text, slice_find(text, 0));
        if (slice_is(text, name)) {
            *into = slice_take(section.bytes, section.bytes.len ? section.bytes.len - 1 : 0);
            return true;
        }
    }
    return false;
}
