/* Whom to trust over https://: a bundle of certificates, as the building machine has it. */
#ifndef TOOL_TRUST_H
#define TOOL_TRUST_H

#include "runtime/buf.h"

#define TRUST_MACHINE "/etc/ssl/certs/ca-certificates.crt" /* of Debian's ca-certificates */
#define TRUST_MAX     ((size_t)8 * 1024 * 1024)

/* Appends the certificates of a PEM file, DER, one after the other; file NULL: the machine's.
 * False: the reason was printed. */
bool trust_read(const char *file, struct buf *anchors);

#endif
