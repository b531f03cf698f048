/*
 * Reasons: the one enumeration of results in the whole project.
 *
 * A function that can fail returns `enum err`; OK is 0. A reason is a value, never a message: text
 * for people is made at the edge (log line, status page), which knows what was attempted and where.
 */
#ifndef RUNTIME_ERR_H
#define RUNTIME_ERR_H

enum err {
    OK = 0,
    ERR_AGAIN,       /* not now: wait for the event that the call's header names */
    ERR_FULL,        /* a named limit is reached; nothing was taken */
    ERR_MEMORY,      /* the memory signature had nothing left */
    ERR_MALFORMED,   /* bytes from outside break the rules of their format */
    ERR_MISMATCH,    /* bytes are well-formed, but their checksum, id or signature differs */
    ERR_LIMIT,       /* input is larger or deeper than a named limit permits */
    ERR_UNSUPPORTED, /* well-formed, but a feature that we do not offer */
    ERR_NOT_FOUND,
    ERR_EXISTS,  /* also: address in use */
    ERR_DENIED,  /* credentials or permission */
    ERR_TIMEOUT, /* a deadline passed */
    ERR_CLOSED,  /* ended in good order */
    ERR_RESET,   /* ended by the peer or the path, without good order */
    ERR_REFUSED, /* nobody listens there */
    ERR_UNREACHABLE,
    ERR_CANCELLED, /* we ended it ourselves */
    ERR_ARGUMENT,  /* a setting or parameter is not one that the call permits */
    ERR_IO,        /* the host or a device failed */
    ERR_COUNT_
};

/* The reason in a few lower-case words ("connection refused"); static, never NULL. */
const char *err_text(enum err e);

#endif
