/*
 * Fetch: one conversation with a remote, over a stack, that asks for one commit's history.
 *
 * git:// and smart http:// or https:// (gitprotocol-v2, -pack, -http); protocol v2, falling back to
 * v0. The owner says what it has; it is told the remote's answer, then the bytes of a pack, then the end.
 * Nothing is kept here: the pack goes to whoever stores objects.
 */
#ifndef LIB_GIT_FETCH_H
#define LIB_GIT_FETCH_H

#include "lib/git/oid.h"
#include "lib/tls/tls.h"
#include "runtime/buf.h"
#include "runtime/err.h"
#include "signatures/stack.h"

#define GIT_URL_MAX        2048
#define GIT_REF_NAME_MAX   1024
#define GIT_REFS_MAX       65536 /* advertised by a v0 remote, or listed by v2 */
#define GIT_FETCH_IDLE_SEC 30    /* without a byte from the remote */
#define GIT_FETCH_MAX_SEC  900   /* one whole fetch */
#define GIT_PACK_BYTES_MAX (UINT64_C(2) << 30)
#define GIT_ERROR_MAX      512

struct git_fetch; /* opaque */

/* Where to fetch from, whom to trust, and who is asking. */
struct git_remote {
    struct slice url;       /* URL[#branch]; copied */
    struct tls_client *tls; /* for https://; NULL: such a URL is refused */
    /* Sent to the URL's own host over https:// only: with a user by Basic (RFC 7617), without one as
     * a bearer token (RFC 6750). Not copied: they stay until the fetch has ended. */
    struct slice user;
    struct slice secret; /* empty: none */
};

struct git_head {
    enum oid_kind kind;
    struct oid commit; /* what the branch points to (tags are peeled by the remote) */
    struct slice ref;  /* "refs/heads/main" */
};

struct git_fetch_events {
    /* The remote's answer, before any pack. Called once. OK: go on and fetch it; ERR_EXISTS: the
     * owner has it all (on_done follows with OK and no pack); anything else ends the fetch. */
    enum err (*on_head)(void *owner, const struct git_head *head);
    /* Bytes of the pack, in order. Not OK: the fetch ends with that reason. */
    enum err (*on_pack)(void *owner, struct slice bytes);
    /* What the remote says of its progress, a line at a time, control bytes escaped. */
    void (*on_progress)(void *owner, struct slice line);
    /* The end, exactly once unless cancelled: OK after the whole pack (or after ERR_EXISTS from
     * on_head), otherwise why, and a line for people that says what and where. The handle is gone
     * when this returns. */
    void (*on_done)(void *owner, enum err why, struct slice line);
};

/* Starts. have: commits whose whole history the owner holds (kind told by have_kind), for a pack of
 * only what is new, deltas against the old included; copied; where the remote is of another kind they
 * are not told to it. ERR_ARGUMENT, ERR_UNSUPPORTED with a line in error for a remote that cannot be
 * used. Any handler may cancel; a new fetch may be started from on_done. */
enum err git_fetch_open(struct stack *stack, const struct git_remote *remote,
                        const struct oid *have, size_t have_count, enum oid_kind have_kind,
                        const struct git_fetch_events *events, void *owner, struct git_fetch **into,
                        struct buf *error);

/* Back-pressure: while paused nothing more is read from the remote (what was read already may still
 * be told), and its silence is not held against it. */
void git_fetch_pause(struct git_fetch *f, bool paused);

/* Ends it without on_done. */
void git_fetch_cancel(struct git_fetch *f);

/* Whether the text is a URL[#branch] that git_fetch_open would try: NULL, or what is allowed ("a
 * URL that starts with ..."; never a part of the text, which may hold a password). */
const char *git_url_check(struct slice url);

/* Whether such a URL is one of https://, for which somebody has to be trusted. */
bool git_url_is_secure(struct slice url);

#endif
