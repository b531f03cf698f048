/* See file.h. */
#include "tool/file.h"

#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_STEP ((size_t)16 * 1024)

const char *file_read(const char *path, struct buf *into)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return strerror(errno);
    ssize_t n = 1;
    while (n > 0) {
        size_t left = into->max - into->len, step = left < READ_STEP ? left : READ_STEP;
        uint8_t *room = step ? buf_reserve(into, step) : NULL;
        uint8_t more;
        n = room ? read(fd, room, step) : read(fd, &more, 1);
        if (!room && n > 0) {
            close(fd);
            return into->err == ERR_MEMORY ? "out of memory" : "larger than it can sensibly be";
        }
        if (room && n > 0)
            buf_commit(into, (size_t)n);
    }
    int why = errno;
    close(fd);
    return n < 0 ? strerror(why) : NULL;
}

bool file_write(int fd, struct slice bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno != EINTR)
            return false;
        bytes = slice_drop(bytes, n < 0 ? 0 : (size_t)n);
    }
    return true;
}

/* Who owned the old file owns the new one, as far as we may give it away. */
static void keep_owner(int fd, const char *path)
{
    struct stat old;
    if (stat(path, &old) == 0 && (old.st_uid != geteuid() || old.st_gid != getegid()))
        (void)!fchown(fd, old.st_uid, old.st_gid);
}

static bool write_parts(int fd, const char *path, mode_t mode, const struct slice *parts,
                        size_t count)
{
    keep_owner(fd, path);
    for (size_t i = 0; i < count; i++)
        if (!file_write(fd, parts[i]))
            return false;
    return fchmod(fd, mode) == 0 && fsync(fd) == 0;
}

bool file_replace(const char *path, mode_t mode, const struct slice *parts, size_t count)
{
    char *fresh = tool_text("%s.new-XXXXXX", path);
    int fd = mkostemp(fresh, O_CLOEXEC); /* readable by its owner only, until it is whole */
    bool done = fd >= 0 && write_parts(fd, path, mode, parts, count);
    if (fd >= 0)
        done = close(fd) == 0 && done;
    done = done && rename(fresh, path) == 0;
    if (!done) {
        tool_error("cannot write %s: %s", path, strerror(errno));
        if (fd >= 0)
            unlink(fresh);
    }
    free(fresh);
    return done;
}
