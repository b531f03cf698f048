/* See image.h. */
#include "platform/process/image.h"

#include "runtime/elf.h"
#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[PATH_MAX];

void image_remember(void)
{
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len < 0 ? 0 : len] = 0;
}

/* The whole file, mapped; empty, with errno, where that fails. */
static struct slice map_file(void)
{
    struct stat st;
    void *at = MAP_FAILED;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0)
        at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd >= 0)
        close(fd);
    return at == MAP_FAILED ? slice_of(NULL, 0) : slice_of(at, (size_t)st.st_size);
}

bool image_read(const char *section, struct buf *into)
{
    struct slice bytes, file = map_file();
    if (file.len == 0) {
        log_warning("image", "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    bool found = elf_section(file, section, &bytes);
    if (found)
        buf_put(into, bytes);
    munmap((void *)(uintptr_t)file.ptr, file.len);
    if (!found || into->err)
        log_warning("image", "%s is not an image with certificates any more", path);
    return found && !into->err;
}
