/* See words.h. */
#include "tool/words.h"

#include "tool/tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void words_add(struct words *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (w->count == WORDS_MAX || vasprintf(&w->at[w->count], format, args) < 0) {
        tool_error("the command becomes too long");
        exit(1);
    }
    va_end(args);
    w->at[++w->count] = NULL;
}

void words_free(struct words *w)
{
    for (size_t i = 0; i < w->count; i++)
        free(w->at[i]);
    w->count = 0;
}

static bool plain(struct slice word)
{
    static const struct slice safe =
        SLICE_INIT("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-");
    for (size_t i = 0; i < word.len; i++)
        if (slice_find(safe, word.ptr[i]) == safe.len)
            return false;
    return word.len > 0;
}

void words_put_quoted(struct buf *into, struct slice word)
{
    if (plain(word)) {
        buf_put(into, word);
        return;
    }
    buf_byte(into, '\'');
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] == '\'')
            buf_text(into, "'\\''");
        else
            buf_byte(into, word.ptr[i]);
    buf_byte(into, '\'');
}
