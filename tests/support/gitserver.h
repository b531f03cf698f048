/*
 * A git remote for simulations: speaks protocol v2 over any stack, and serves packs that the test
 * hands it. It answers every fetch with a whole pack, as a server may.
 */
#ifndef TESTS_SUPPORT_GITSERVER_H
#define TESTS_SUPPORT_GITSERVER_H

#include "signatures/stack.h"

struct gitserver;

/* Listens on port 9418 of the stack. */
struct gitserver *gitserver_open(struct stack *stack);

/* What its one branch, refs/heads/main, points to: 40 hexadecimal digits, and a pack of everything
 * that the commit needs. Both must stay until they are replaced; fetches that run go on with the
 * pack that they began with. */
void gitserver_set(struct gitserver *s, const char *commit, struct slice pack);

/* Packs sent to their end so far. */
unsigned gitserver_served(const struct gitserver *s);

void gitserver_close(struct gitserver *s);

#endif
