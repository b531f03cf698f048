/*
 * The kernel command line: words between blanks. Double quotes keep blanks together, and inside of them
 * a backslash takes the next byte for what it is: --name="a \"garden\"".
 */
#ifndef PLATFORM_PVH_COMMAND_LINE_H
#define PLATFORM_PVH_COMMAND_LINE_H

#include <stddef.h>

#define COMMAND_LINE_WORDS_MAX 64u

/* Cuts it up where it stands: how many words; COMMAND_LINE_WORDS_MAX + 1 when there are more. */
size_t command_line_split(char *line, const char *words[COMMAND_LINE_WORDS_MAX]);

#endif
