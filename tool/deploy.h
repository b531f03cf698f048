/*
 * Deployment: what whoever starts machines wants to be told of an image, in files beside it. They are
 * made from the templates of tool/deploy: there @WORD@ stands for a value, and a line whose value is
 * empty is left out.
 */
#ifndef TOOL_DEPLOY_H
#define TOOL_DEPLOY_H

#include "tool/target.h"
#include "runtime/slice.h"

#include <stdint.h>

#define DEPLOY_BRIDGE    "br0"
#define DEPLOY_CARDS_MAX 64u

struct deploy {
    const char *program;
    const struct target *target;
    const char *folder; /* where the image will be; made here */
    unsigned memory;    /* MiB */
    const char *bridge;
    unsigned cards;         /* 0: it has none */
    struct slice arguments; /* kernel command line */
};

/* Whether a bridge may be called so. */
bool deploy_bridge_is(const char *name);

/* Writes the files of the target; those of other targets stay. False: the reason was printed. */
bool deploy_write(const struct deploy *d);

#endif
