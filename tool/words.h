/* Words: the arguments of a command that is put together. */
#ifndef TOOL_WORDS_H
#define TOOL_WORDS_H

#include "runtime/buf.h"

#define WORDS_MAX 128u

struct words {
    char *at[WORDS_MAX + 1]; /* ends with NULL: as execvp wants it */
    size_t count;
};

/* Adds one. Ends the command where there are too many. */
void words_add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

void words_free(struct words *w);

/* A word as a shell takes it for what it is: as it stands, or in single quotes. */
void words_put_quoted(struct buf *into, struct slice word);

#endif
