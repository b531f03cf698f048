/* What the owner chose: options of the program first, then files below .config/, then defaults. */
#include "lib/site/internal.h"
#include "lib/text/url.h"
#include "lib/text/utf8.h"

/* The first line of a file below .config/; empty where there is none. */
static enum err read_setting(struct site_build *b, struct slice path, struct slice *into)
{
    struct store_object object;
    struct slice rest, line;
    bool ok = true;
    *into = slice_of(NULL, 0);
    const struct history_file *file = history_find(b->history, path);
    if (!file)
        return OK;
    enum err e = store_read_as(b->store, &file->blob, GIT_BLOB, &object);
    if (e == ERR_MEMORY)
        return e;
    if (e != OK) {
        site_add_problem(b->site, path, 0, "the setting cannot be read");
        return OK;
    }
    rest = object.content;
    if (slice_starts(rest, SLICE("\xEF\xBB\xBF")))
        rest = slice_drop(rest, 3);
    if (slice_line(&rest, &line)) {
        line = slice_trim(line);
        if (line.len > SETTING_MAX || !utf8_valid(line) || utf8_has_control(line))
            site_add_problem(b->site, path, 1, "the setting is not a short line of UTF-8 text");
        else
            *into = arena_copy(&b->arena, line, &ok);
    }
    store_release(&object);
    return ok ? OK : ERR_MEMORY;
}

/* option, else the file, else the default. */
static enum err choose(struct site_build *b, struct slice option, struct slice path,
                       struct slice fallback, struct slice *into)
{
    struct slice setting;
    enum err e = read_setting(b, path, &setting);
    *into = option.len ? option : setting.len ? setting : fallback;
    return e;
}

static struct slice without_slashes(struct slice s, bool front)
{
    while (front && s.len && s.ptr[0] == '/')
        s = slice_drop(s, 1);
    while (s.len && s.ptr[s.len - 1] == '/')
        s = slice_take(s, s.len - 1);
    return s;
}

/* The beginning of every absolute link: paths follow it. */
static bool is_root(struct slice s)
{
    bool web = slice_starts(s, SLICE("https://")) || slice_starts(s, SLICE("http://"));
    bool more =
        slice_find(s, ' ') < s.len || slice_find(s, '?') < s.len || slice_find(s, '#') < s.len;
    return web && !more && url_host(s).len > 0;
}

static enum err choose_root(struct site_build *b)
{
    struct slice path = SLICE(".config/root");
    enum err e = choose(b, b->options->root, path, SLICE(""), &b->layout.root);
    struct slice *root = &b->layout.root;
    if (root->len && !is_root(*root)) {
        site_add_problem(b->site, path, 1, "the root must be like https://example.org");
        *root = SLICE("");
    }
    *root = without_slashes(*root, false);
    return e;
}

static bool is_language(struct slice s)
{
    if (s.len == 0 || s.len > 35)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = s.ptr[i];
        if ((uint8_t)((c | 0x20) - 'a') >= 26 && (uint8_t)(c - '0') >= 10 && c != '-')
            return false;
    }
    return true;
}

static enum err choose_language(struct site_build *b)
{
    struct slice path = SLICE(".config/language"), none = SLICE(""), english = SLICE("en");
    enum err e = choose(b, none, path, english, &b->layout.language);
    if (!is_language(b->layout.language)) {
        site_add_problem(b->site, path, 1, "the language must be a tag such as en or pt-BR");
        b->layout.language = english;
    }
    return e;
}

/* Without a setting the feed's id is derived from where the history began: a clone, a new host or a
 * new name do not change it. */
static enum err choose_id(struct site_build *b)
{
    struct slice path = SLICE(".config/uuid"), none = SLICE(""), setting;
    static const struct uuid nil;
    enum err e = choose(b, none, path, none, &setting);
    b->layout.id =
        uuid_named(&nil, slice_of(b->history->root.bytes, sizeof b->history->root.bytes));
    if (setting.len && !uuid_parse(setting, &b->layout.id))
        site_add_problem(b->site, path, 1,
                         "the uuid must be like 981361ca-e71d-4997-a52c-baeee78e4156");
    return e;
}

enum err build_settings(struct site_build *b)
{
    const struct site_options *o = b->options;
    struct layout *l = &b->layout;
    l->raw_html = o->raw_html;
    enum err e = choose(b, o->name, SLICE(".config/blog_name"), SLICE("Canopy"), &l->name);
    if (e == OK)
        e = choose(b, o->index, SLICE(".config/index_page"), SLICE(""), &l->index);
    l->index = without_slashes(l->index, true);
    if (e == OK)
        e = choose_root(b);
    if (e == OK)
        e = choose_language(b);
    if (e == OK)
        e = choose_id(b);
    return e;
}
