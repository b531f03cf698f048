/*
 * What goes over the socket between the serving process and its signer: packets of one machine, in
 * its byte order. Private to the signer's files.
 *
 *   at the start, from the signer:  wire_hello, and the line of an error, or one packet for each key:
 *                                   wire_key, name, SubjectPublicKeyInfo
 *   requests:                       up to SIGNER_BATCH times wire_request, message
 *   answers, one for each packet:   as often wire_answer, signature
 */
#ifndef PLATFORM_PROCESS_SIGNER_WIRE_H
#define PLATFORM_PROCESS_SIGNER_WIRE_H

#include <stdint.h>

#include "platform/process/signer.h"

struct wire_hello {
    uint32_t why; /* enum err */
    uint32_t count;
};

struct wire_key {
    uint32_t algorithm;
    uint32_t name_len;
    uint32_t spki_len;
};

struct wire_request {
    uint32_t id;
    uint16_t key;
    uint16_t scheme;
    uint32_t len;
};

struct wire_answer {
    uint32_t id;
    uint32_t why;
    uint32_t len;
};

#define WIRE_KEY_MAX (sizeof(struct wire_key) + SIGNER_NAME_MAX + 2048)
#define WIRE_REQUESTS_MAX \
    (SIGNER_BATCH * (sizeof(struct wire_request) + (size_t)SIGNER_MESSAGE_MAX))
#define WIRE_ANSWERS_MAX \
    (SIGNER_BATCH * (sizeof(struct wire_answer) + (size_t)SIGNER_SIGNATURE_MAX))

/* The child's side: never returns. */
void signer_child(int fd, struct slice section) __attribute__((noreturn));

#endif
