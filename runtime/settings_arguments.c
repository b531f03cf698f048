/* The command line: --name VALUE, --name=VALUE, -n VALUE, -nVALUE. See settings.h. */
#include "runtime/settings_internal.h"

struct line {
    const struct setting_group *const *groups;
    const char *const *rest;
    size_t left;
    struct buf *error;
};

static const struct setting *find_letter(const struct setting_group *const *groups, char letter)
{
    struct settings_walk at = {0, 0};
    for (const struct setting *s; (s = settings_next(groups, &at)) != NULL;)
        if (s->letter && s->letter == letter)
            return s;
    return NULL;
}

static enum err unknown(const struct line *l, struct slice argument, struct slice name)
{
    settings_put_shown(l->error, argument);
    buf_text(l->error, " is not a setting of this program");
    settings_put_guess(l->error, l->groups, name);
    return ERR_NOT_FOUND;
}

/* Finds the setting that an argument names. *attached: the value stands in the same argument. */
static enum err read_name(const struct line *l, struct slice argument, const struct setting **found,
                          struct slice *value, bool *attached)
{
    struct slice name = slice_drop(argument, 2);
    if (slice_starts(argument, SLICE("--"))) {
        *attached = slice_cut(name, '=', &name, value);
        *found = settings_find(l->groups, name);
    } else if (argument.len >= 2 && argument.ptr[0] == '-') {
        *value = name;
        *attached = name.len > 0;
        *found = find_letter(l->groups, (char)argument.ptr[1]);
        name = slice_of(NULL, 0);
    } else {
        settings_put_shown(l->error, argument);
        buf_text(l->error, " is not the name of a setting (such names begin with --)");
        return ERR_ARGUMENT;
    }
    return *found ? OK : unknown(l, slice_take(argument, 2 + name.len), name);
}

/* The value out of the next argument. A setting that may do without, as a bool may, does so at the
 * end, and before another name. */
static enum err read_value(struct line *l, const struct setting *s, struct slice *value)
{
    struct slice next = l->left ? slice_text(*l->rest) : slice_of(NULL, 0);
    const char *bare = s->type == SETTING_BOOL ? "true" : s->bare;
    if (bare && (l->left == 0 || slice_starts(next, SLICE("-")))) {
        *value = slice_text(bare);
        return OK;
    }
    if (l->left == 0) {
        buf_printf(l->error, "--%s: %s is missing behind it", s->name,
                   s->value ? s->value : "a value");
        return ERR_ARGUMENT;
    }
    *value = next;
    l->rest++;
    l->left--;
    return OK;
}

/* What a variable that was forgotten leaves behind, and would leave a door open. */
static enum err no_secret(const struct line *l, const struct setting *s)
{
    buf_printf(l->error, "--%s: the secret is empty; leave the setting out to have none", s->name);
    return ERR_ARGUMENT;
}

enum err settings_arguments(const struct setting_group *const *groups, size_t count,
                            const char *const *arguments,
                            void (*seen)(void *arg, const struct setting *s, struct slice text),
                            void *arg, struct buf *error)
{
    struct line l = {groups, arguments, count, error};
    while (l.left) {
        const struct setting *s;
        struct slice value;
        bool attached;
        struct slice argument = slice_text(*l.rest++);
        l.left--;
        enum err e = read_name(&l, argument, &s, &value, &attached);
        if (!e && !attached)
            e = read_value(&l, s, &value);
        if (!e && s->secret && value.len == 0)
            e = no_secret(&l, s);
        if (!e)
            e = settings_set(s, value, error);
        if (e)
            return e;
        if (seen)
            seen(arg, s, value);
    }
    return OK;
}
