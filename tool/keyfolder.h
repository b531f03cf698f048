/*
 * A folder of keys: NAME.pem (a chain, leaf first) with NAME.key, made into an image's two sections
 * (runtime/keyring.h). "server" is the default for clients that name no host; the others are called
 * by the host that they are for.
 */
#ifndef TOOL_KEYFOLDER_H
#define TOOL_KEYFOLDER_H

#include "runtime/buf.h"

/* Both begin empty, for KEYRING_KEYS_SIZE and KEYRING_CERTS_SIZE bytes. */
struct keyfolder {
    struct buf keys; /* a secret: give it back with keyfolder_wipe */
    struct buf certs;
    size_t pairs;
};

/* Reads and checks all pairs; other files are left alone. content: the git bundle that the image
 * holds (may be empty): a host that it says to be served at, and no certificate is for, is warned
 * of. False: one line was printed that says which file and why, and there is nothing to give back. */
bool keyfolder_read(const char *folder, struct slice content, struct keyfolder *into);
void keyfolder_wipe(struct keyfolder *f);

/* Whether any file in it is a certificate or a key by its name; false as well where there is no such
 * folder. */
bool keyfolder_has_files(const char *folder);

/* Makes the folder, with a new key and a certificate for localhost in it: server.key, server.pem.
 * False: the reason was printed. */
bool keyfolder_make(const char *folder);

#endif
