/*
 * Program: what an application defines, and what it is given when it starts.
 *
 * The platform's start reads the configuration out of the image, then the arguments, sets the log
 * levels, and calls start. A program can reach nothing that it was not handed here.
 */
#ifndef SIGNATURES_PROGRAM_H
#define SIGNATURES_PROGRAM_H

#include "runtime/settings.h"
#include "signatures/block.h"
#include "signatures/signer.h"
#include "signatures/stack.h"

struct world {
    struct stack *stack;
    struct block *block;  /* NULL: it was given none (runtime/settings_block.h) */
    struct slice content; /* what was baked into the image's content section; empty if nothing */
    /* What the program made of it when the image was built (APP_PREPARER of its app.mk); empty if nothing. */
    struct slice prepared;
    struct signer *signer;     /* of the image's private keys; without any where it has none */
    struct slice certificates; /* the image's section of chains: see runtime/keyring.h */
    struct slice anchors;      /* whom the image trusts: certificates, DER, one after the other */
};

struct program {
    const char *name;
    const char *summary; /* one line */
    /* Sets everything in motion and returns; the loop runs afterwards. Anything but OK ends the
     * program with status 1: the program has logged why. */
    enum err (*start)(const struct world *w);
    /* Asked to end (SIGTERM, power button): finish what is in flight, then loop_stop(0). NULL: the
     * loop is stopped at once. */
    void (*stop)(void);
    /* Asked to look again at what may change while it runs (SIGHUP): certificates are those that the
     * image holds now, in its file; all else is as it was. They are valid until this returns. NULL:
     * nobody asks. */
    void (*reload)(const struct world *w);
};

/* Defined by each application, once. Its settings stand in a file of their own, without the
 * program, so that the tool which configures it can be linked with the declarations alone. */
extern const struct program program;
extern const struct setting_group *const program_settings[]; /* NULL-terminated */

#endif
