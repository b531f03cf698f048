/* See command_line.h. A word only gets shorter, so it is written over itself. */
#include "platform/pvh/command_line.h"

#include <stdbool.h>

static char *next_word(char **at)
{
    char *from = *at, *word, *to;
    while (*from == ' ')
        from++;
    if (!*from)
        return NULL;
    bool quoted = false;
    for (word = to = from; *from && (quoted || *from != ' '); from++) {
        if (*from == '"') {
            quoted = !quoted;
            continue;
        }
        if (*from == '\\' && quoted && from[1])
            from++;
        *to++ = *from;
    }
    *at = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

size_t command_line_split(char *line, const char *words[COMMAND_LINE_WORDS_MAX])
{
    size_t count = 0;
    for (char *word; (word = next_word(&line)) != NULL; count++) {
        if (count == COMMAND_LINE_WORDS_MAX)
            return count + 1;
        words[count] = word;
    }
    return count;
}
