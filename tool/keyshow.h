/* What an image's keys and certificates are, for people: never a byte of a private key. */
#ifndef TOOL_KEYSHOW_H
#define TOOL_KEYSHOW_H

#include "runtime/slice.h"

#include <stdbool.h>

/* Prints all chains, with what `ringlet keys` says of each. False: a section is damaged, which was
 * said. */
bool keyshow_sections(struct slice keys, struct slice certs);

/* The same in one line each, indented, as `ringlet describe` has it. */
void keyshow_summary(struct slice certs);

#endif
