/*
 * See block.h. Requests wait in a ring for a task, which carries out one after the other: a file is fast, and
 * who debugs a program wants to see the same order again.
 */
#include "platform/process/block.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signatures/memory.h"
#include "signatures/timer.h"

struct disk {
    struct block block;
    struct task task;
    int fd;
    struct block_request *waiting[BLOCK_REQUESTS_MAX];
    uint32_t first, count;
    uint64_t failed;
};

static struct disk *disk_of(const struct block *b)
{
    return CONTAINER(b, struct disk, block);
}

/* All of it, from a file that is long enough; false where it fails or is shorter by now. */
static bool transfer(const struct disk *d, const struct block_request *r)
{
    off_t at = (off_t)(r->sector * BLOCK_SECTOR);
    for (size_t had = 0; had < r->len;) {
        ssize_t n = r->operation == BLOCK_READ
                        ? pread(d->fd, r->bytes + had, r->len - had, at + (off_t)had)
                        : pwrite(d->fd, r->bytes + had, r->len - had, at + (off_t)had);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        had += n > 0 ? (size_t)n : 0;
    }
    return true;
}

static void run(struct task *t)
{
    struct disk *d = CONTAINER(t, struct disk, task);
    struct block_request *r = d->waiting[d->first];
    d->first = (d->first + 1) % BLOCK_REQUESTS_MAX;
    if (--d->count)
        task_post(t);
    bool good = r->operation == BLOCK_FLUSH ? fdatasync(d->fd) == 0 : transfer(d, r);
    d->failed += !good;
    block_done(&d->block, r, good ? OK : ERR_IO);
}

static enum err submit(struct block *b, struct block_request *r)
{
    struct disk *d = disk_of(b);
    d->waiting[(d->first + d->count++) % BLOCK_REQUESTS_MAX] = r;
    task_post(&d->task);
    return OK;
}

static void status(const struct block *b, struct buf *into)
{
    buf_printf(into, "block failed: %llu\n", (unsigned long long)disk_of(b)->failed);
    buf_printf(into, "block refused: %llu\n", (unsigned long long)b->refused);
}

/* Of a file, or of a device of the host. */
static bool size_of(int fd, uint64_t *bytes)
{
    struct stat s;
    if (fstat(fd, &s) != 0)
        return false;
    *bytes = (uint64_t)s.st_size;
    if (S_ISBLK(s.st_mode))
        return ioctl(fd, BLKGETSIZE64, bytes) == 0;
    return S_ISREG(s.st_mode);
}

static enum err refuse(struct slice name, const char *why, struct buf *error)
{
    buf_printf(error, "--disk %.*s: %s", SLICE_ARG(name), why);
    return ERR_ARGUMENT;
}

enum err process_block_open(struct slice name, struct block **into, struct buf *error)
{
    static const struct block_ops ops = {.submit = submit, .status = status};
    char path[PATH_MAX];
    uint64_t bytes;
    if (!name.len || name.len >= sizeof path)
        return refuse(name, "not the name of a file", error);
    memcpy(path, name.ptr, name.len);
    path[name.len] = '\0';
    int fd = open(path, O_RDWR | O_CLOEXEC);
    bool read_only = fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM);
    if (read_only)
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return refuse(name, strerror(errno), error);
    bool sized = size_of(fd, &bytes);
    struct disk *d = sized ? memory_zalloc(sizeof *d) : NULL;
    if (!d) {
        close(fd);
        return refuse(name, sized ? "out of memory" : "not a file or a block device", error);
    }
    d->block = (struct block){.ops = &ops,
                              .sectors = bytes / BLOCK_SECTOR,
                              .most = BLOCK_BYTES_MAX,
                              .read_only = read_only};
    d->fd = fd;
    task_init(&d->task, run);
    *into = &d->block;
    return OK;
}

void process_block_close(struct block *b)
{
    struct disk *d = disk_of(b);
    close(d->fd);
    memory_free(d);
}
