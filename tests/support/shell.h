/*
 * For tests that talk to other programs: a scratch folder of the test's own, commands in it, and
 * children with a pipe to and from them.
 */
#ifndef TESTS_SUPPORT_SHELL_H
#define TESTS_SUPPORT_SHELL_H

#include <stddef.h>
#include <sys/types.h>

/* Made at the first call, with a home that keeps git's settings away; gone when the test ends. */
const char *scratch(void);

/* Runs a command in the scratch folder; ends the test's program if it fails. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What a command prints, without the line end. Valid until the next call. */
const char *shell_output(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct child {
    pid_t pid;
    int in;  /* to its standard input */
    int out; /* from its standard output */
};

/* Starts a command in the scratch folder (its words by blanks; no shell in between). */
struct child child_start(const char *command);
void child_shut(struct child *c); /* no more input for it */
/* Ends it if it has not ended, and waits. */
void child_stop(struct child *c);

#endif
