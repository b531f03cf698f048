/* See image.h. */
#include "tool/image.h"

#include "runtime/elf.h"
#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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
    if (!map_file(image, path))
        return false;
    if (elf_is(image->file))
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

bool image_section(const struct image *image, const char *name, struct slice *into)
{
    struct slice whole;
    if (!elf_section(image->file, name, &whole))
        return false;
    *into = slice_take(whole, whole.len ? whole.len - 1 : 0);
    return true;
}

bool image_hole(const struct image *image, const char *name, size_t size, struct slice *into)
{
    return elf_section(image->file, name, into) && into->len == size;
}
