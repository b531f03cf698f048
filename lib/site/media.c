/* See media.h. */
#include "lib/site/media.h"

struct media_type {
    const char *extension; /* lower case */
    const char *type;
};

/* media_types[], made at build time from a maintained table, in bytewise order of extensions. */
#include "media_table.h"

#define EXTENSION_MAX 16

/* The extension in lower case; empty for a name without one. */
static struct slice extension_of(struct slice name, uint8_t into[EXTENSION_MAX])
{
    size_t dot = name.len;
    while (dot > 0 && name.ptr[dot - 1] != '.' && name.ptr[dot - 1] != '/')
        dot--;
    struct slice found = slice_drop(name, dot);
    if (dot == 0 || name.ptr[dot - 1] != '.' || found.len > EXTENSION_MAX)
        return slice_of(into, 0);
    for (size_t i = 0; i < found.len; i++) {
        uint8_t c = found.ptr[i];
        into[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
    }
    return slice_of(into, found.len);
}

const char *media_type(struct slice name)
{
    uint8_t lower[EXTENSION_MAX];
    struct slice extension = extension_of(name, lower);
    size_t low = 0, high = sizeof media_types / sizeof media_types[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = slice_compare(extension, slice_text(media_types[middle].extension));
        if (order == 0)
            return media_types[middle].type;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return "application/octet-stream";
}

static bool one_of(const char *type, const char *const *list)
{
    while (*list && strcmp(type, *list) != 0)
        list++;
    return *list != NULL;
}

bool media_compressible(const char *type)
{
    static const char *const others[] = {
        "application/json", "application/xml",  "application/javascript",   "application/wasm",
        "application/rtf",  "application/toml", "application/sql",          "font/ttf",
        "font/otf",         "image/bmp",        "image/vnd.microsoft.icon", NULL};
    struct slice s = slice_text(type);
    return slice_starts(s, SLICE("text/")) || slice_ends(s, SLICE("+xml")) ||
           slice_ends(s, SLICE("+json")) || one_of(type, others);
}

bool media_has_charset(const char *type)
{
    struct slice s = slice_text(type);
    return slice_starts(s, SLICE("text/")) || slice_ends(s, SLICE("+xml")) ||
           slice_equal(s, SLICE("application/xml"));
}
