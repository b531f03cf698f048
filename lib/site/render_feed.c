/* The feed of the newest articles. */
#include "lib/atom/atom.h"
#include "lib/site/internal.h"
#include "lib/text/percent.h"

static struct slice link_to(struct buf *scratch, const struct layout *l, struct slice url)
{
    scratch->len = 0; /* errors stay */
    buf_put(scratch, l->root);
    percent_encode_path(scratch, url);
    return buf_slice(scratch);
}

/* The id is that of the path: an article keeps it through every change of its words, and of the
 * site's address. */
static void put_entry(struct buf *b, const struct layout *l, const struct entry *from,
                      struct buf *scratch)
{
    const struct item *i = from->item;
    struct atom_entry entry = {
        .id = uuid_named(&l->id, slice_drop(i->url, 1)),
        .title = i->title,
        .link = link_to(scratch, l, i->url),
        .author = i->author,
        .author_url = i->author_url,
        .summary = i->abstract,
        .content = slice_take(slice_drop(from->page->body, from->content.at), from->content.len),
        .tags = i->tags,
        .tag_count = i->tag_count,
        .published = i->created,
        .updated = i->changed,
    };
    atom_entry(b, &entry);
}

void render_feed(struct buf *b, const struct layout *l, struct entry *const *entries, size_t count,
                 int64_t updated)
{
    struct buf self, scratch;
    buf_init(&self, SITE_ARENA_MAX);
    buf_init(&scratch, SITE_ARENA_MAX);
    struct atom_feed feed = {
        .id = l->id,
        .title = l->name,
        .author = l->name,
        .self = link_to(&self, l, SLICE("/atom")),
        .site = link_to(&scratch, l, SLICE("/")),
        .language = l->language,
        .updated = updated,
    };
    atom_begin(b, &feed);
    for (size_t i = 0; i < count && b->err == OK; i++)
        put_entry(b, l, entries[i], &scratch);
    atom_end(b);
    if (b->err == OK)
        b->err = self.err != OK ? self.err : scratch.err;
    buf_deinit(&self);
    buf_deinit(&scratch);
}
