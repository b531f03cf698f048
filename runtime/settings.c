/* Values: from text to what the setting's type says, and the refusals. See settings.h. */
#include "runtime/settings.h"

#include "runtime/log.h"
#include "runtime/panic.h"
#include "runtime/settings_internal.h"

#define SECONDS_MAX (365u * 24 * 60 * 60)
#define SHOWN_MAX   80 /* bytes of a refused value that an error repeats */

struct slice settings_logs;

static const char *check_logs(struct slice text)
{
    return log_levels_valid(text)
               ? NULL
               : "a list of levels (quiet, error, warning, info, debug), such as info,git:debug";
}

static const struct setting logs[] = {{
    .name = "logs",
    .letter = 'l',
    .value = "LEVELS",
    .help =
        "What to log: quiet, error, warning, info or debug; for one source as in info,git:debug",
    .preset = "info",
    .type = SETTING_TEXT,
    .check = check_logs,
    .into = &settings_logs,
}};

const struct setting_group settings_logs_group = {.title = "Logging", .settings = logs, .count = 1};

/* --- values --- */

static bool parse_bool(struct slice text, bool *value)
{
    *value = slice_is(text, "true") || slice_is(text, "yes") || slice_is(text, "on");
    return *value || slice_is(text, "false") || slice_is(text, "no") || slice_is(text, "off");
}

static const char *store_bool(struct slice text, bool *into)
{
    bool value;
    if (!parse_bool(text, &value))
        return "true or false";
    *into = value;
    return NULL;
}

static const char *store_port(struct slice text, uint16_t *into)
{
    uint64_t value;
    if (!slice_decimal(text, UINT16_MAX, &value) || value == 0)
        return "a port (1 to 65535)";
    *into = (uint16_t)value;
    return NULL;
}

static const char *store_number(struct slice text, uint32_t *into, uint32_t max, const char *what)
{
    uint64_t value;
    if (!slice_decimal(text, max, &value))
        return what;
    *into = (uint32_t)value;
    return NULL;
}

static const char *store_address(struct slice text, struct address *into)
{
    return address_parse(text, into) ? NULL : "an IPv4 or IPv6 address";
}

/* "Not set": what the type's header comment says. */
static void store_nothing(const struct setting *s)
{
    switch (s->type) {
    case SETTING_TEXT:
        *(struct slice *)s->into = SLICE("");
        return;
    case SETTING_BOOL:
        *(bool *)s->into = false;
        return;
    case SETTING_PORT:
        *(uint16_t *)s->into = 0;
        return;
    case SETTING_SECONDS:
    case SETTING_NUMBER:
        *(uint32_t *)s->into = 0;
        return;
    case SETTING_ADDRESS:
        *(struct address *)s->into = (struct address){{0}};
        return;
    }
}

/* NULL, or what would be permitted. */
static const char *store(const struct setting *s, struct slice text)
{
    const char *wanted = s->check ? s->check(text) : NULL;
    if (wanted)
        return wanted;
    switch (s->type) {
    case SETTING_TEXT:
        *(struct slice *)s->into = text;
        return NULL;
    case SETTING_BOOL:
        return store_bool(text, s->into);
    case SETTING_PORT:
        return store_port(text, s->into);
    case SETTING_SECONDS:
        return store_number(text, s->into, SECONDS_MAX, "a number of seconds (0 to 31536000)");
    case SETTING_NUMBER:
        return store_number(text, s->into, UINT32_MAX, "a number (0 to 4294967295)");
    case SETTING_ADDRESS:
        return store_address(text, s->into);
    }
    panic("a setting without a type");
}

/* Replaces NAME:PASSWORD of SCHEME://NAME:PASSWORD@REST, a part of the text that reaches up to the last
 * '@' of its first `within` bytes: *before and *after are what may be shown. */
static bool cut_userinfo(struct slice text, size_t within, struct slice *before,
                         struct slice *after)
{
    size_t scheme = slice_search(text, SLICE("://")) + 3;
    size_t at = within < text.len ? within : text.len;
    while (at > scheme && text.ptr[at - 1] != '@')
        at--;
    *before = slice_take(text, at > scheme ? scheme : text.len);
    *after = slice_drop(text, at > scheme ? at - 1 : text.len);
    return at > scheme;
}

/* The same of a URL that is well-formed. */
static bool cut_url(struct slice text, struct slice *before, struct slice *after)
{
    size_t scheme = slice_search(text, SLICE("://")) + 3;
    size_t authority = scheme + slice_find(slice_drop(text, scheme), '/');
    return cut_userinfo(text, authority, before, after);
}

bool settings_is_secret(const struct setting *s, struct slice text)
{
    struct slice before, after;
    return s->secret ? text.len > 0 : cut_url(text, &before, &after);
}

void settings_put_value(struct buf *into, const struct setting *s, struct slice text)
{
    struct slice before, after;
    if (s->secret) {
        buf_text(into, "(not shown)");
        return;
    }
    bool cut = cut_url(text, &before, &after);
    buf_put(into, before);
    buf_text(into, cut ? "..." : "");
    buf_put(into, after);
}

static void put_escaped(struct buf *into, struct slice shown)
{
    for (size_t i = 0; i < shown.len; i++) {
        if (shown.ptr[i] < 0x20 || shown.ptr[i] == 0x7f)
            buf_printf(into, "\\x%02x", shown.ptr[i]);
        else
            buf_byte(into, shown.ptr[i]);
    }
}

/* What was refused need not be well-formed: all that might be a name and password is left out. */
void settings_put_shown(struct buf *into, struct slice text)
{
    struct slice before, after;
    bool cut = cut_userinfo(text, text.len, &before, &after);
    struct slice shown = slice_take(before, SHOWN_MAX), more = slice_take(after, SHOWN_MAX);
    buf_byte(into, '\'');
    put_escaped(into, shown);
    buf_text(into, cut ? "..." : "");
    put_escaped(into, more);
    buf_text(into, shown.len < before.len || more.len < after.len ? "...'" : "'");
}

enum err settings_set(const struct setting *s, struct slice text, struct buf *error)
{
    if (text.len == 0 && s->preset[0] == 0) {
        store_nothing(s);
        return OK;
    }
    const char *wanted = store(s, text);
    if (!wanted)
        return OK;
    buf_printf(error, "--%s: ", s->name);
    if (s->secret)
        buf_text(error, "what was given (a secret, not shown)");
    else
        settings_put_shown(error, text);
    buf_printf(error, " is not %s", wanted);
    return ERR_ARGUMENT;
}

/* --- all of them --- */

const struct setting *settings_next(const struct setting_group *const *groups,
                                    struct settings_walk *at)
{
    for (; groups[at->group]; at->group++, at->index = 0)
        if (at->index < groups[at->group]->count)
            return &groups[at->group]->settings[at->index++];
    return NULL;
}

void settings_preset(const struct setting_group *const *groups)
{
    struct settings_walk at = {0, 0};
    for (const struct setting *s; (s = settings_next(groups, &at)) != NULL;) {
        struct buf error;
        buf_init(&error, SETTINGS_ERROR_MAX);
        if (settings_set(s, slice_text(s->preset), &error))
            panic(s->name); /* its own default is not permitted */
    }
}

const struct setting *settings_find(const struct setting_group *const *groups, struct slice name)
{
    struct settings_walk at = {0, 0};
    for (const struct setting *s; (s = settings_next(groups, &at)) != NULL;)
        if (slice_is(name, s->name) || (s->alias && slice_is(name, s->alias)))
            return s;
    return NULL;
}

enum err settings_check(const struct setting_group *const *groups, struct buf *error)
{
    enum err e = OK;
    for (; *groups && e == OK; groups++)
        if ((*groups)->check)
            e = (*groups)->check(error);
    return e;
}
