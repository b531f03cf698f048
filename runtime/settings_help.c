/*
 * The help text: two columns, names and explanations, the second one wrapped. See settings.h.
 *
 *     Content
 *       -r, --remote URL[#BRANCH]  The repository to follow
 *           --poll SECONDS         How often to look for news without being told; 0 is
 *                                  never (default 0)
 */
#include "runtime/settings_internal.h"

#define WIDTH    79 /* and one for the parenthesis that closes a default */
#define LEFT_MIN 16
#define LEFT_MAX 28 /* a name that is longer has its explanation on the next line */

static const struct setting help = {
    .name = "help", .letter = 'h', .help = "Show this text", .preset = "", .type = SETTING_BOOL};

/* Characters of UTF-8 text, which is what a terminal counts. */
static size_t columns(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += (text.ptr[i] & 0xc0) != 0x80;
    return count;
}

static void put_name(struct buf *into, const struct setting *s)
{
    if (s->letter)
        buf_printf(into, "  -%c, --%s", s->letter, s->name);
    else
        buf_printf(into, "      --%s", s->name);
    if (s->value)
        buf_printf(into, " %s", s->value);
}

static size_t name_columns(const struct setting *s)
{
    return 8 + columns(slice_text(s->name)) + (s->value ? 1 + columns(slice_text(s->value)) : 0);
}

/* How wide the left column has to be, with two blanks behind. */
static size_t left_columns(const struct setting_group *const *groups)
{
    size_t left = LEFT_MIN;
    struct settings_walk at = {0, 0};
    for (const struct setting *s; (s = settings_next(groups, &at)) != NULL;) {
        size_t n = name_columns(s);
        if (n > left && n <= LEFT_MAX)
            left = n;
    }
    return left + 2;
}

static void put_blanks(struct buf *into, size_t count)
{
    while (count--)
        buf_byte(into, ' ');
}

/* Words go where they fit; *at is the column that was reached. */
static void put_wrapped(struct buf *into, struct slice text, size_t left, size_t *at)
{
    while ((text = slice_trim(text)).len) {
        struct slice word;
        slice_cut(text, ' ', &word, &text);
        if (*at > left && *at + 1 + columns(word) > WIDTH) {
            buf_byte(into, '\n');
            put_blanks(into, left);
            *at = left;
        } else if (*at > left) {
            buf_byte(into, ' ');
            (*at)++;
        }
        buf_put(into, word);
        *at += columns(word);
    }
}

static void put_setting(struct buf *into, const struct setting *s, size_t left)
{
    size_t at = name_columns(s);
    put_name(into, s);
    if (at + 2 > left) {
        buf_byte(into, '\n');
        at = 0;
    }
    put_blanks(into, left - at);
    at = left;
    put_wrapped(into, slice_text(s->help), left, &at);
    if (s->preset[0] && !s->secret) {
        put_wrapped(into, SLICE("(default"), left, &at);
        put_wrapped(into, slice_text(s->preset), left, &at);
        buf_byte(into, ')');
    }
    buf_byte(into, '\n');
}

void settings_help(struct buf *into, const char *usage, const struct setting_group *const *groups)
{
    size_t left = left_columns(groups);
    buf_printf(into, "Usage: %s\n", usage);
    for (size_t g = 0; groups[g]; g++) {
        buf_printf(into, "\n%s\n", groups[g]->title);
        for (size_t i = 0; i < groups[g]->count; i++)
            put_setting(into, &groups[g]->settings[i], left);
    }
    buf_byte(into, '\n');
    put_setting(into, &help, left);
}
