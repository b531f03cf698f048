/* Content: a repository or a folder, made into the git bundle that is baked into an image. */
#ifndef TOOL_CONTENT_H
#define TOOL_CONTENT_H

#include <stdbool.h>

/* Writes the history of SOURCE[#BRANCH] to the file `into`: a repository with its HEAD or that
 * branch, a bundle, or a plain folder, taken as one commit. False: the reason was printed. */
bool content_bundle(const char *source, const char *into);

#endif
