/* Link targets: how they are written, and which of them must not be followed. */
#include "lib/markdown/internal.h"

static bool stays(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 ||
           (c != 0 && strchr("~-_.+!*(),%#@?=;:/$", c) != NULL);
}

void link_put(struct buf *into, struct slice target)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t plain = 0; /* target[plain, i) waits to be copied */
    for (size_t i = 0; i < target.len; i++) {
        uint8_t c = target.ptr[i];
        if (stays(c))
            continue;
        buf_put(into, slice_of(target.ptr + plain, i - plain));
        uint8_t code[3] = {'%', (uint8_t)digits[c >> 4], (uint8_t)digits[c & 15]};
        if (c == '&')
            buf_put(into, SLICE("&amp;"));
        else
            buf_put(into, slice_of(code, sizeof code));
        plain = i + 1;
    }
    buf_put(into, slice_drop(target, plain));
}

/* Whether the target's scheme is `scheme`, as a browser reads it: control bytes and spaces are
 * dropped from anywhere before the colon (URL Standard, 4.4). *rest: what follows the colon. */
static bool has_scheme(struct slice target, const char *scheme, struct slice *rest)
{
    for (size_t i = 0; i < target.len; i++) {
        uint8_t c = target.ptr[i];
        if (c <= ' ')
            continue;
        if (*scheme == 0) {
            *rest = slice_drop(target, i + 1);
            return c == ':';
        }
        if ((c >= 'A' && c <= 'Z' ? c + 32 : c) != (uint8_t)*scheme)
            return false;
        scheme++;
    }
    return false;
}

static bool is_image(struct slice data)
{
    static const char *const types[] = {"image/png", "image/gif", "image/jpeg", "image/webp",
                                        "image/avif"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct slice type = slice_text(types[i]);
        if (slice_equal_nocase(slice_take(data, type.len), type))
            return true;
    }
    return false;
}

bool link_is_active(struct slice target)
{
    struct slice rest;
    return has_scheme(target, "javascript", &rest) || has_scheme(target, "vbscript", &rest) ||
           has_scheme(target, "file", &rest) ||
           (has_scheme(target, "data", &rest) && !is_image(rest));
}
