/* The files of a commit, in the order of its trees, which is the bytewise order of their paths. */
#include "lib/store/history_walk.h"

#include "lib/store/pair.h"
#include "signatures/memory.h"

#define PATH_TEXT_MAX  4096         /* bytes of one path */
#define PATH_BYTES_MAX (256u << 20) /* of all of them, with their names */
#define TREE_BYTES_MAX (256u << 20) /* of the trees that list them */

/* One folder on the way down. */
struct level {
    struct store *s;
    struct paths *paths;
    struct slice prefix; /* "Posts/", or empty */
    unsigned depth;
};

static enum err add_name(struct paths *p, const struct name *name)
{
    if (p->name_count == HISTORY_PATHS_MAX)
        return ERR_LIMIT;
    void *items = p->names;
    enum err e = store_grow(&items, p->name_count, &p->name_capacity, sizeof(*p->names));
    p->names = items;
    if (e == OK)
        p->names[p->name_count++] = *name;
    return e;
}

static enum err add_file(struct paths *p, struct slice path, const struct git_entry *e)
{
    void *items = p->files;
    enum err err = store_grow(&items, p->count, &p->capacity, sizeof(*p->files));
    p->files = items;
    if (err != OK)
        return err;
    p->files[p->count++] = (struct history_file){.path = path,
                                                 .blob = e->oid,
                                                 .mode = e->mode,
                                                 .created = HISTORY_UNKNOWN,
                                                 .changed = HISTORY_UNKNOWN};
    return OK;
}

/* The folder's prefix and the name, and '/' after a folder's. */
static enum err join(struct level *at, const struct git_entry *e, bool folder, struct slice *path)
{
    size_t length = at->prefix.len + e->name.len + (folder ? 1 : 0);
    if (length > PATH_TEXT_MAX)
        return ERR_LIMIT;
    uint8_t *text = arena_alloc(&at->paths->text, length);
    if (text == NULL)
        return ERR_MEMORY;
    if (at->prefix.len > 0)
        memcpy(text, at->prefix.ptr, at->prefix.len);
    memcpy(text + at->prefix.len, e->name.ptr, e->name.len);
    if (folder)
        text[length - 1] = '/';
    *path = slice_of(text, length);
    return OK;
}

static enum err list_folder(struct level *at, const struct oid *tree, uint32_t self);

/* A folder that lies too deep is listed itself, in the place of what is in it. */
static enum err list_below(struct level *at, const struct git_entry *e, struct slice path,
                           uint32_t self)
{
    struct level below = {at->s, at->paths, path, at->depth + 1};
    return below.depth > STORE_PATH_DEPTH_MAX ? add_file(at->paths, path, e)
                                              : list_folder(&below, &e->oid, self);
}

static enum err list_entry(struct level *at, const struct git_entry *e, uint32_t self)
{
    struct paths *p = at->paths;
    bool folder = e->mode == GIT_MODE_TREE;
    struct slice path;
    enum err err = join(at, e, folder, &path);
    if (err != OK)
        return err;
    p->names[self].text = slice_take(slice_drop(path, at->prefix.len), e->name.len);
    p->names[self].folder = folder;
    p->names[self].first = p->count;
    err = folder ? list_below(at, e, path, self) : add_file(p, path, e);
    p->names[self].end = p->count;
    return err;
}

/* Checks a tree's order and takes a place for each of its names, one beside the other. */
static enum err take_names(struct level *at, struct slice content, uint32_t self)
{
    struct paths *p = at->paths;
    struct reader r = reader_of(content);
    struct git_entry last = {.mode = 0};
    struct git_entry e;
    p->names[self].children = p->name_count;
    while (git_tree_next(at->s->kind, &r, &e)) {
        if (last.mode != 0 && store_tree_order(&last, &e) >= 0)
            return ERR_MALFORMED;
        last = e;
        if (e.mode == GIT_MODE_GITLINK)
            continue;
        enum err err = add_name(p, &(struct name){.folder = false});
        if (err != OK)
            return err;
    }
    p->names[self].child_count = p->name_count - p->names[self].children;
    return r.bad ? ERR_MALFORMED : OK;
}

/* Fills the places of a folder's names, going down into each folder among them. */
static enum err list_folder(struct level *at, const struct oid *tree, uint32_t self)
{
    struct store_object o;
    enum err err = store_read_as(at->s, tree, GIT_TREE, &o);
    if (err != OK)
        return err;
    at->paths->tree_bytes += o.content.len;
    err = at->paths->tree_bytes > TREE_BYTES_MAX ? ERR_LIMIT : take_names(at, o.content, self);
    uint32_t child = at->paths->names[self].children;
    struct reader r = reader_of(o.content);
    struct git_entry e;
    while (err == OK && git_tree_next(at->s->kind, &r, &e)) {
        if (e.mode != GIT_MODE_GITLINK)
            err = list_entry(at, &e, child++);
    }
    store_release(&o);
    return err;
}

enum err store_paths_list(struct store *s, const struct oid *tree, struct paths *into)
{
    *into = (struct paths){.count = 0};
    arena_init(&into->text, PATH_BYTES_MAX);
    struct level root = {s, into, slice_of(NULL, 0), 0};
    enum err e = add_name(into, &(struct name){.folder = true});
    if (e == OK)
        e = list_folder(&root, tree, 0);
    if (e == OK)
        into->names[0].end = into->count;
    return e;
}

void store_paths_free(struct paths *p)
{
    arena_deinit(&p->text);
    memory_free(p->files);
    store_paths_forget_names(p);
}

void store_paths_forget_names(struct paths *p)
{
    memory_free(p->names);
    p->names = NULL;
    p->name_count = 0;
    p->name_capacity = 0;
}

const struct name *store_paths_child(const struct paths *p, const struct name *folder,
                                     const struct git_entry *e)
{
    uint32_t low = folder->children;
    uint32_t high = low + folder->child_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct name *n = &p->names[middle];
        struct git_entry as_entry = {.mode = n->folder ? GIT_MODE_TREE : GIT_MODE_FILE,
                                     .name = n->text};
        int order = store_tree_order(&as_entry, e);
        if (order == 0)
            return n;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
