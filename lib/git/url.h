/*
 * The URLs that a repository is fetched from: SCHEME://[NAME:PASSWORD@]HOST[:PORT]/PATH[#BRANCH]
 * (RFC 3986; git-fetch(1), "GIT URLS").
 *
 * A name and a password are for http only (RFC 7617); no text made here holds them.
 */
#ifndef LIB_GIT_URL_H
#define LIB_GIT_URL_H

#include "runtime/buf.h"
#include "runtime/err.h"
#include "runtime/slice.h"

#define GIT_BRANCH_MAX 1000 /* leaves room for "refs/heads/" below GIT_REF_NAME_MAX */

enum git_scheme { GIT_SCHEME_GIT, GIT_SCHEME_HTTP, GIT_SCHEME_HTTPS };

/* All slices are parts of the text, as it was written there (percent-encoded). */
struct git_url {
    enum git_scheme scheme;
    struct slice user;     /* empty: none */
    struct slice password; /* empty: none */
    struct slice host;     /* an IPv6 address without its brackets */
    uint16_t port;
    struct slice path;   /* from its first '/'; for http with a query, without slashes at the end */
    struct slice branch; /* empty: the remote's HEAD */
};

/* ERR_ARGUMENT: not such a URL, and *wanted says what is permitted (static text); ERR_LIMIT: too
 * long. All schemes above are understood; which of them can be used is the caller's matter. */
enum err git_url_parse(struct slice text, struct git_url *into, const char **wanted);

/* Whether a full or short ref name is one that git permits (git-check-ref-format(1)). */
bool git_ref_name_ok(struct slice name);

/* The URL without name, password and branch. */
void git_url_put(struct buf *b, const struct git_url *u);

/* HOST, or HOST:PORT where the port is not the scheme's own; IPv6 in brackets. */
void git_url_put_authority(struct buf *b, const struct git_url *u);

/* A part with its percent-encoding undone. */
void git_url_put_decoded(struct buf *b, struct slice part);

#endif
