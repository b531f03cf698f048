/* Configuration text: `name = value`, line by line. See settings.h. */
#include "runtime/settings_internal.h"
#include "signatures/memory.h"

/* Backslash and letter become the byte they stand for; in place, since it only gets shorter. False
 * for any other letter. */
static bool unescape(uint8_t *text, size_t *len)
{
    size_t to = 0;
    for (size_t from = 0; from < *len; from++, to++) {
        text[to] = text[from];
        if (text[from] != '\\')
            continue;
        if (++from == *len)
            return false;
        switch (text[from]) {
        case 'n':
            text[to] = '\n';
            break;
        case 'r':
            text[to] = '\r';
            break;
        case '\\':
            break;
        default:
            return false;
        }
    }
    *len = to;
    return true;
}

/* Texts are kept by reference, so what had to be changed gets memory for good. */
static enum err read_value(struct slice written, struct slice *value)
{
    *value = written;
    if (slice_find(written, '\\') == written.len)
        return OK;
    uint8_t *copy = memory_alloc(written.len);
    if (!copy)
        return ERR_MEMORY;
    memcpy(copy, written.ptr, written.len);
    size_t len = written.len;
    if (!unescape(copy, &len)) {
        memory_free(copy);
        return ERR_MALFORMED;
    }
    *value = slice_of(copy, len);
    return OK;
}

static enum err read_line(const struct setting_group *const *groups, struct slice line,
                          struct buf *error)
{
    struct slice name, value;
    if (!slice_cut(line, '=', &name, &value)) {
        buf_text(error, "not of the form: name = value");
        return ERR_MALFORMED;
    }
    name = slice_trim(name);
    const struct setting *s = settings_find(groups, name);
    if (!s) {
        settings_put_shown(error, name);
        buf_text(error, " is not a setting of this program");
        settings_put_guess(error, groups, name);
        return ERR_NOT_FOUND;
    }
    enum err e = read_value(slice_drop(value, slice_starts(value, SLICE(" "))), &value);
    if (e == OK)
        return settings_set(s, value, error);
    buf_printf(error, "--%s: ", s->name);
    buf_text(error,
             e == ERR_MEMORY ? "out of memory" : "a backslash must be followed by n, r or \\");
    return e;
}

enum err settings_configuration(const struct setting_group *const *groups, struct slice text,
                                struct buf *error)
{
    struct slice line;
    for (unsigned number = 1; slice_line(&text, &line); number++) {
        struct slice bare = slice_trim(line);
        if (bare.len == 0 || bare.ptr[0] == '#')
            continue;
        enum err e = read_line(groups, line, error);
        if (e) {
            buf_printf(error, " (configuration, line %u)", number);
            return e;
        }
    }
    return OK;
}

void settings_write_line(struct buf *into, const struct setting *s, struct slice text)
{
    buf_printf(into, "%s = ", s->name);
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '\n':
            buf_text(into, "\\n");
            break;
        case '\r':
            buf_text(into, "\\r");
            break;
        case '\\':
            buf_text(into, "\\\\");
            break;
        default:
            buf_byte(into, text.ptr[i]);
        }
    }
    buf_byte(into, '\n');
}
