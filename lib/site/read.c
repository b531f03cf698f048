/* From a file of the repository to an item: where it belongs, and what its header says. */
#include "lib/markdown/markdown.h"
#include "lib/site/article.h"
#include "lib/site/internal.h"
#include "lib/text/utf8.h"

#define URL_MAX 8192 /* bytes of a path or a redirection's target, encoded */

/* --- where a path belongs --- */

/* The one hidden folder that is meant for the public (RFC 8615): who issues certificates asks there. */
static const struct slice well_known = SLICE_INIT(".well-known/");

bool path_is_hidden(struct slice path)
{
    if (slice_starts(path, well_known))
        path = slice_drop(path, well_known.len);
    for (bool more = true; more;) {
        struct slice name;
        more = slice_cut(path, '/', &name, &path);
        if (slice_starts(name, SLICE(".")))
            return true;
    }
    return false;
}

/* Files that are asked for at the root whatever the site is made of. */
static bool is_well_known(struct slice path)
{
    return slice_is(path, "favicon.ico") || slice_is(path, "robots.txt") ||
           slice_starts(path, well_known);
}

bool path_is_static(struct slice path)
{
    return slice_starts(path, SLICE("static/")) || is_well_known(path);
}

/* Names of the first folder that the site itself answers at. */
static bool is_taken(struct slice path)
{
    static const char *const names[] = {"tags", "atom", "status", "static"};
    struct slice first, rest;
    slice_cut(path, '/', &first, &rest);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (slice_is(first, names[i]))
            return true;
    return false;
}

static const char *path_fault(const struct history_file *file)
{
    if (!utf8_valid(file->path))
        return "the file's name is not UTF-8";
    if (utf8_has_control(file->path))
        return "the file's name holds a control character";
    if (file->path.len > URL_MAX / 3)
        return "the file's name is too long";
    if (file->mode == GIT_MODE_TREE)
        return "this folder lies too deep: below more than 64 others";
    if (file->mode == GIT_MODE_LINK)
        return "symbolic links are not followed";
    if (!path_is_static(file->path) && is_taken(file->path))
        return "the site itself answers at this name";
    return NULL;
}

/* --- what it says --- */

/* Buffers that an item's texts lie in until it is made. */
struct scratch {
    struct buf url;
    struct buf title;
    struct buf abstract;
    struct buf redirect;
};

static struct slice file_title(struct slice path)
{
    struct slice name = path, rest;
    while (slice_cut(name, '/', &rest, &name))
        ;
    name = rest;
    struct slice md = SLICE(".md"), markdown = SLICE(".markdown");
    if (slice_ends(name, md) && name.len > md.len)
        return slice_take(name, name.len - md.len);
    if (slice_ends(name, markdown) && name.len > markdown.len)
        return slice_take(name, name.len - markdown.len);
    return name;
}

static enum err find_title(const struct article *a, struct slice path, struct scratch *s,
                           struct item *i)
{
    i->title = a->title;
    if (i->title.len)
        return OK;
    bool leads;
    enum err e = markdown_title(a->body, TITLE_MAX, &s->title, &leads);
    i->title = buf_slice(&s->title);
    i->skip_title = i->title.len > 0 && leads;
    if (i->title.len == 0)
        i->title = file_title(path);
    return e;
}

/* A target may hold whatever a URL may; all else is encoded. '%' stays: it may be encoded already. */
static void put_target(struct buf *b, struct slice target)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < target.len; i++) {
        uint8_t c = target.ptr[i];
        if (c > ' ' && c < 0x7F && !strchr("\"<>\\^`{|}", c)) {
            buf_byte(b, c);
        } else {
            buf_byte(b, '%');
            buf_byte(b, (uint8_t)digits[c >> 4]);
            buf_byte(b, (uint8_t)digits[c & 15]);
        }
    }
}

static void set_problem(struct item *i, uint32_t line, const char *reason)
{
    i->kind = ITEM_PROBLEM;
    i->line = line;
    i->reason = reason;
}

/* A link to anything but a web page or a mail address is left out. */
static bool is_web(struct slice url)
{
    static const char *const begins[] = {"https://", "http://", "mailto:", "/"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        struct slice begin = slice_text(begins[i]);
        if (slice_equal_nocase(slice_take(url, begin.len), begin))
            return true;
    }
    return false;
}

static enum err read_article(const struct article *a, struct slice path, struct scratch *s,
                             struct item *i)
{
    i->kind = ITEM_ARTICLE;
    i->author = a->author;
    if (is_web(a->author_url))
        i->author_url = a->author_url;
    enum err e = find_title(a, path, s, i);
    if (e == OK && a->abstract.len)
        e = markdown_inline(a->abstract, MARKDOWN_EXTENSIONS, &s->abstract);
    i->abstract = buf_slice(&s->abstract);
    return e;
}

/* Readers are sent to a path or a web page, not to what another scheme would do in a browser. */
static bool leads_to_web(struct slice target)
{
    static const char *const schemes[] = {"http:", "https:"};
    size_t colon = slice_find(target, ':');
    if (colon == target.len || slice_find(slice_take(target, colon), '/') < colon)
        return true;
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (slice_equal_nocase(slice_take(target, colon + 1), slice_text(schemes[i])))
            return true;
    return false;
}

static enum err read_text(struct slice text, struct slice path, struct scratch *s, struct item *i,
                          struct article *a)
{
    struct article_fault fault;
    if (article_parse(text, a, &fault) != OK) {
        set_problem(i, fault.line, fault.reason);
        return OK;
    }
    i->tags = a->tags;
    i->tag_count = a->tag_count;
    if (a->redirect.len == 0)
        return read_article(a, path, s, i);
    i->kind = ITEM_REDIRECT;
    put_target(&s->redirect, a->redirect);
    i->redirect = buf_slice(&s->redirect);
    if (i->redirect.len > URL_MAX)
        set_problem(i, 0, "the target of the redirection is too long");
    else if (!leads_to_web(a->redirect))
        set_problem(i, 1, "the target of the redirection is neither a path nor a web address");
    return s->redirect.err;
}

/* A blob that the store does not give is the file's problem, unless memory was short. */
static enum err read_blob(struct store *store, const struct history_file *file, struct item *i,
                          struct store_object *object)
{
    enum err e = store_read_as(store, &file->blob, GIT_BLOB, object);
    if (e == OK || e == ERR_MEMORY)
        return e;
    set_problem(i, 0, e == ERR_LIMIT ? "the file is too large" : "the file cannot be read");
    return OK;
}

static enum err read_file(struct store *store, const struct history_file *file, struct scratch *s,
                          size_t *bytes, struct item **into)
{
    struct article a;
    struct item i = {.kind = ITEM_STATIC, .blob = file->blob, .mode = file->mode};
    struct store_object object = {0};
    enum err e = OK;
    i.created = file->created;
    i.changed = file->changed;
    buf_byte(&s->url, '/');
    buf_put(&s->url, file->path);
    i.url = buf_slice(&s->url);
    const char *fault = path_fault(file);
    if (fault)
        set_problem(&i, 0, fault);
    else if (!path_is_static(file->path))
        e = read_blob(store, file, &i, &object);
    *bytes += object.content.len;
    if (object.type == GIT_BLOB && object.content.len > SITE_ARTICLE_MAX)
        set_problem(&i, 0, "the article is larger than 8 MiB");
    else if (e == OK && object.type == GIT_BLOB)
        e = read_text(object.content, file->path, s, &i, &a);
    if (e == ERR_LIMIT) {
        set_problem(&i, 0, "the article is too large, or too intricate");
        e = OK;
    }
    if (e == OK)
        e = s->url.err;
    if (e == OK && !(*into = item_new(&i)))
        e = ERR_MEMORY;
    if (object.type != GIT_NONE)
        store_release(&object);
    return e;
}

enum err item_read(struct store *store, const struct history_file *file, size_t *bytes,
                   struct item **into)
{
    struct scratch s;
    buf_init(&s.url, SITE_ARENA_MAX);
    buf_init(&s.title, SITE_ARTICLE_MAX * 2);
    buf_init(&s.abstract, SITE_ARTICLE_MAX);
    buf_init(&s.redirect, SITE_ARTICLE_MAX);
    enum err e = read_file(store, file, &s, bytes, into);
    buf_deinit(&s.url);
    buf_deinit(&s.title);
    buf_deinit(&s.abstract);
    buf_deinit(&s.redirect);
    return e;
}
