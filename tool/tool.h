/*
 * The ringlet command: one function a subcommand, each with its own file.
 *
 * They print results to standard output, everything else to standard error, and return the
 * command's exit status: 0 done, 1 failed, 2 called wrongly. The environment names where we are:
 * RINGLET_ROOT (the tree), RINGLET_APP and RINGLET_APP_DIR (the program), set by the door.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

int tool_configure(int argc, char **argv);
int tool_core(int argc, char **argv);
int tool_describe(int argc, char **argv);
int tool_fetch(int argc, char **argv);
int tool_keys(int argc, char **argv);
int tool_run(int argc, char **argv);

/* "ringlet: MESSAGE", with a line end. */
void tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Formatted text in memory that the caller frees. Ends the command where there is none. */
char *tool_text(const char *format, ...) __attribute__((format(printf, 1, 2), malloc));

struct target;

/* The image that the program in this folder was configured to be built as: a path that the caller frees,
 * and, unless NULL, for which target. NULL: the reason was printed. */
char *tool_image(const struct target **target);

#endif
