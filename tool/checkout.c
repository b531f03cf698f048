/* Checkout: see checkout.h. */
#include "tool/checkout.h"

#include "lib/git/escape.h"
#include "tool/file.h"
#include "tool/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TYPE_BITS 0170000u

/* Where we are, innermost first: for messages. */
struct place {
    const struct place *parent;
    const char *name;
    unsigned depth;
};

struct checkout {
    struct store *store;
    struct checkout_counts *counts;
};

static bool write_tree(struct checkout *c, const struct oid *tree, int folder,
                       const struct place *at);

static void put_path(struct buf *b, const struct place *at)
{
    if (at->parent && at->parent->name) {
        put_path(b, at->parent);
        buf_byte(b, '/');
    }
    git_put_escaped(b, slice_text(at->name));
}

static bool fault(const struct place *at, const char *why)
{
    struct buf path;
    buf_init(&path, (size_t)PATH_MAX * 4);
    if (at->name)
        put_path(&path, at);
    tool_error("%.*s: %s", SLICE_ARG(at->name ? buf_slice(&path) : SLICE("the folder")), why);
    buf_deinit(&path);
    return false;
}

static bool host_fault(const struct place *at)
{
    return fault(at, strerror(errno));
}

static bool write_file(struct checkout *c, struct slice content, bool executable, int folder,
                       const struct place *at)
{
    int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int file = openat(folder, at->name, flags, executable ? 0777 : 0666);
    if (file < 0)
        return host_fault(at);
    bool written = file_write(file, content);
    if (close(file) != 0 || !written)
        return host_fault(at);
    c->counts->files++;
    c->counts->bytes += content.len;
    return true;
}

static bool write_link(struct checkout *c, struct slice content, int folder, const struct place *at)
{
    char target[PATH_MAX];
    if (content.len == 0 || content.len >= sizeof(target) ||
        slice_find(content, '\0') < content.len)
        return fault(at, "a symbolic link that leads nowhere");
    memcpy(target, content.ptr, content.len);
    target[content.len] = '\0';
    if (symlinkat(target, folder, at->name) != 0)
        return host_fault(at);
    c->counts->files++;
    return true;
}

static bool write_blob(struct checkout *c, const struct git_entry *e, int folder,
                       const struct place *at)
{
    struct store_object blob;
    enum err why = store_read_as(c->store, &e->oid, GIT_BLOB, &blob);
    if (why)
        return fault(at, err_text(why));
    bool link = (e->mode & TYPE_BITS) == (GIT_MODE_LINK & TYPE_BITS);
    bool ok = link ? write_link(c, blob.content, folder, at)
                   : write_file(c, blob.content, e->mode & 0100, folder, at);
    store_release(&blob);
    return ok;
}

static bool write_folder(struct checkout *c, const struct git_entry *e, int folder,
                         const struct place *at)
{
    if (mkdirat(folder, at->name, 0777) != 0)
        return host_fault(at);
    /* A submodule is a folder for somebody else to fill. */
    if (e->mode == GIT_MODE_GITLINK)
        return true;
    int inner = openat(folder, at->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (inner < 0)
        return host_fault(at);
    bool ok = write_tree(c, &e->oid, inner, at);
    close(inner);
    return ok;
}

static bool write_entry(struct checkout *c, const struct git_entry *e, int folder,
                        const struct place *parent)
{
    char name[NAME_MAX + 1];
    struct place at = {parent, name, parent->depth + 1};
    size_t len = e->name.len < sizeof(name) ? e->name.len : sizeof(name) - 1;
    memcpy(name, e->name.ptr, len);
    name[len] = '\0';
    if (len < e->name.len)
        return fault(&at, "a name that is too long for this system");
    if (at.depth > STORE_PATH_DEPTH_MAX)
        return fault(&at, "folders are nested too deeply");
    if (e->mode == GIT_MODE_TREE || e->mode == GIT_MODE_GITLINK)
        return write_folder(c, e, folder, &at);
    return write_blob(c, e, folder, &at);
}

static bool write_tree(struct checkout *c, const struct oid *tree, int folder,
                       const struct place *at)
{
    struct store_object object;
    struct git_entry e;
    enum err why = store_read_as(c->store, tree, GIT_TREE, &object);
    if (why)
        return fault(at, err_text(why));
    struct reader r = reader_of(object.content);
    bool ok = true;
    while (ok && git_tree_next(store_kind(c->store), &r, &e))
        ok = write_entry(c, &e, folder, at);
    if (ok && r.bad)
        ok = fault(at, "a folder that is malformed or holds a forbidden name");
    store_release(&object);
    return ok;
}

bool checkout_tree(struct store *s, const struct oid *tree, int folder,
                   struct checkout_counts *counts)
{
    struct checkout c = {s, counts};
    const struct place root = {NULL, NULL, 0};
    return write_tree(&c, tree, folder, &root);
}
