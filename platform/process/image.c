/* See image.h. It is read, not mapped: a file that somebody cuts short meanwhile would be a fault. */
#include "platform/process/image.h"

#include "runtime/elf.h"
#include "runtime/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[PATH_MAX];

void image_remember(void)
{
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len < 0 ? 0 : len] = 0;
}

static bool read_at(void *arg, uint64_t offset, void *into, size_t len)
{
    const int *fd = arg;
    uint8_t *at = into;
    while (len) {
        ssize_t n = offset <= INT64_MAX ? pread(*fd, at, len, (off_t)offset) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return true;
}

static bool read_section(int fd, const char *section, struct buf *into)
{
    struct elf_place place;
    if (!elf_find(read_at, &fd, section, &place) || place.size > into->max)
        return false;
    uint8_t *at = buf_reserve(into, (size_t)place.size);
    if (!at || !read_at(&fd, place.offset, at, (size_t)place.size))
        return false;
    buf_commit(into, (size_t)place.size);
    return true;
}

/* What is there now may be anything, also something that would never answer. */
static int open_file(void)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        errno = EINVAL;
        fd = -1;
    }
    return fd;
}

bool image_read(const char *section, struct buf *into)
{
    int fd = open_file();
    if (fd < 0) {
        log_warning("image", "cannot read %s: %s", path, strerror(errno));
        return false;
    }
    bool found = read_section(fd, section, into);
    close(fd);
    if (!found)
        log_warning("image", "%s is not an image with certificates any more", path);
    return found;
}
