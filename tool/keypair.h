/* A key and the chain of certificates that goes with it: read from two files, and checked. */
#ifndef TOOL_KEYPAIR_H
#define TOOL_KEYPAIR_H

#include "tool/private_key.h"

struct keypair {
    char *name;       /* "server", "example.org" */
    struct buf chain; /* DER, leaf first */
    struct private_key key;
};

/* Reads FOLDER/NAME.pem and FOLDER/NAME.key. now: seconds since 1970. False: one line that says which
 * file and why was printed. What is odd but may be meant is printed as a warning. */
bool keypair_read(const char *folder, const char *name, int64_t now, struct keypair *into);
void keypair_release(struct keypair *pair);

/* The first certificate of a checked chain. */
bool keypair_leaf(struct slice chain, struct x509 *into);

#endif
