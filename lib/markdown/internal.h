/* What the files of this room share. */
#ifndef LIB_MARKDOWN_INTERNAL_H
#define LIB_MARKDOWN_INTERNAL_H

#include <md4c.h>

#include "lib/markdown/markdown.h"
#include "runtime/arena.h"
#include "runtime/list.h"
#include "runtime/map.h"

/* --- md4c's memory (memory.c) --- */

/* What md4c works with while it reads one document; the first member of what is given to md_parse
 * as userdata. */
struct parse_memory {
    struct list pieces;
    size_t held;
    enum err err; /* something was refused: md4c may have gone on without */
};

/* Reads a text. ERR_MEMORY, ERR_LIMIT; what callbacks answer is for them to remember. */
enum err parse_text(struct slice text, const MD_PARSER *parser, struct parse_memory *memory);

/* --- entities and attributes (entity.c) --- */

/* The characters that "&amp;", "&#38;" or "&#x26;" stand for; an unknown name stands for itself. */
void entity_put(struct buf *into, struct slice entity);

/* A link's target, title or a code block's language, with its entities replaced. */
void attribute_put(struct buf *into, const MD_ATTRIBUTE *attribute);

/* --- link targets (link.c) --- */

/* Percent-encodes what a URL may not hold, and escapes it for an attribute. */
void link_put(struct buf *into, struct slice target);

/* Whether following the link could run a script in the page or read local files. */
bool link_is_active(struct slice target);

/* --- ids of headings (slug.c) --- */

struct slugs {
    struct map used; /* slug to struct slug */
    struct arena arena;
    enum err err; /* ERR_MEMORY */
};
void slugs_init(struct slugs *s);
void slugs_deinit(struct slugs *s);

/* The id for a heading with these words, different from all before it; it lives as long as s. Empty
 * where there are too many, or memory is short (err). */
struct slice slugs_take(struct slugs *s, struct slice words);

/* --- parsing --- */

#define EXTENSION_FLAGS \
    (MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEAUTOLINKS | MD_FLAG_TASKLISTS)

static inline struct slice md_slice(const MD_CHAR *text, MD_SIZE size)
{
    return slice_of(text, size);
}

#endif
