/* see pair.h */
#include "lib/store/pair.h"

static uint8_t end_of(const struct git_entry *e, size_t at)
{
    if (at < e->name.len)
        return e->name.ptr[at];
    return e->mode == GIT_MODE_TREE ? '/' : '\0';
}

int store_tree_order(const struct git_entry *a, const struct git_entry *b)
{
    size_t common = a->name.len < b->name.len ? a->name.len : b->name.len;
    int order = memcmp(a->name.ptr, b->name.ptr, common);
    return order != 0 ? order : end_of(a, common) - end_of(b, common);
}

void store_pair_init(struct pair *p, enum oid_kind kind, struct slice left, struct slice right)
{
    *p = (struct pair){.kind = kind, .left = reader_of(left), .right = reader_of(right)};
}

/* Most of two trees is the same, and then it is so byte by byte: there is no need to parse it. */
static void skip_same(struct pair *p)
{
    size_t raw = oid_bytes(p->kind);
    struct slice l = p->left.rest;
    struct slice r = p->right.rest;
    while (l.len > 0) {
        const uint8_t *end = memchr(l.ptr, '\0', l.len);
        if (end == NULL)
            break;
        size_t entry = (size_t)(end - l.ptr) + 1 + raw;
        if (entry > l.len || entry > r.len || memcmp(l.ptr, r.ptr, entry) != 0)
            break;
        l = slice_drop(l, entry);
        r = slice_drop(r, entry);
    }
    p->left.rest = l;
    p->right.rest = r;
}

static void fetch(struct pair *p)
{
    if (!p->left_held && !p->right_held)
        skip_same(p);
    if (!p->left_held)
        p->left_held = git_tree_next(p->kind, &p->left, &p->left_entry);
    if (!p->right_held)
        p->right_held = git_tree_next(p->kind, &p->right, &p->right_entry);
}

bool store_pair_next(struct pair *p, struct pair_difference *into)
{
    fetch(p);
    if (store_pair_bad(p) || (!p->left_held && !p->right_held))
        return false;
    int order = 0;
    if (p->left_held && p->right_held)
        order = store_tree_order(&p->left_entry, &p->right_entry);
    bool left = p->left_held && order <= 0;
    bool right = p->right_held && order >= 0;
    into->left = left ? &p->left_entry : NULL;
    into->right = right ? &p->right_entry : NULL;
    p->left_held = p->left_held && !left;
    p->right_held = p->right_held && !right;
    return true;
}
