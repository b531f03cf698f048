/*
 * The client's side of git's fetch protocol, as a pure core: bytes in, requests and events out.
 *
 *     feed -> git_client_next -> SEND      a request to be sent, in c->out
 *                                HEAD      what the branch points to: want it, or leave
 *                                PACK      bytes of the pack, a part of the input
 *                                PROGRESS  a line from the remote
 *                                DONE      the pack is whole
 *
 * Protocol v2 (gitprotocol-v2), or v0 and v1 (gitprotocol-pack) where the remote does not speak it;
 * over a connection (git://) or as single exchanges (http, "stateless"), where the answer to each
 * request is fed until its own end. One round of negotiation: what the owner has is sent together
 * with "done", since it is the whole history of these commits; a remote that does not know them
 * sends everything.
 */
#ifndef LIB_GIT_PROTOCOL_H
#define LIB_GIT_PROTOCOL_H

#include "lib/git/fetch.h"
#include "lib/git/pktline.h"
#include "lib/git/url.h"

#define GIT_CAPABILITIES_MAX 256   /* lines of a v2 advertisement */
#define GIT_HAVE_MAX         256   /* more are not sent: it only makes the pack larger */
#define GIT_PROGRESS_MAX     256   /* bytes of a line of progress; longer ones are cut */
#define GIT_REQUEST_MAX      65536 /* bytes of a request */

/* The first state of the conversation to the last. */
enum git_client_state {
    GIT_STATE_HELLO,
    GIT_STATE_SERVICE, /* after "# service=", its flush */
    GIT_STATE_V2_CAPABILITIES,
    GIT_STATE_V2_REFS,
    GIT_STATE_V2_SECTION,
    GIT_STATE_V2_ACKS,
    GIT_STATE_V0_REFS,
    GIT_STATE_V0_ACK,
    GIT_STATE_BAND_PACK, /* side-band: pack, progress, error in one stream */
    GIT_STATE_BARE_PACK, /* nothing but the pack until the end of the stream */
    GIT_STATE_ASK,       /* HEAD was reported: waits for want or leave */
    GIT_STATE_DONE
};

enum git_client_what {
    GIT_CLIENT_SEND,
    GIT_CLIENT_HEAD,
    GIT_CLIENT_PACK,
    GIT_CLIENT_PROGRESS,
    GIT_CLIENT_DONE
};

struct git_client_event {
    enum git_client_what what;
    struct slice bytes; /* PACK, PROGRESS: valid until the next call, as long as the input */
};

struct git_client_settings {
    struct slice branch; /* empty: HEAD. Must live as long as the client. */
    bool stateless;
    const struct oid *have; /* must live as long as the client */
    size_t have_count;
    enum oid_kind have_kind;
};

/* What the remote's capabilities permit us to use. */
struct git_capabilities {
    bool agent, object_format;
    bool ls_refs, unborn, fetch;                         /* v2 */
    bool side_band, side_band_64k, ofs_delta, thin_pack; /* v0 */
};

struct git_client {
    struct git_client_settings set;
    enum git_client_state state;
    struct pkt_reader reader;
    struct buf out;  /* the request of SEND, until git_client_sent */
    uint8_t version; /* 0 (also for 1) or 2 */
    struct git_capabilities can;
    enum oid_kind kind;
    uint32_t lines; /* of the present list */
    uint64_t pack_bytes;
    uint8_t band; /* of the present packet; 0: not read yet */
    bool event_due;
    struct git_client_event event;

    /* The best answer to "what does the branch point to" so far: 0 none, the higher the better. */
    unsigned int rank;
    struct oid tip;                    /* what the ref itself names: a commit, or a tag */
    struct oid commit;                 /* what is behind it */
    char ref[GIT_REF_NAME_MAX + 1];    /* name of what was found */
    char target[GIT_REF_NAME_MAX + 1]; /* what HEAD stands for; "": not told */

    char text[GIT_PROGRESS_MAX]; /* a line of progress, or of an error, being gathered */
    size_t text_len;
    struct buf shown; /* the same, escaped */

    enum err err; /* latched */
    char line[GIT_ERROR_MAX];
};

/* Memory is taken later, as needed. */
void git_client_init(struct git_client *c, const struct git_client_settings *settings);
void git_client_deinit(struct git_client *c);

/* The opening line of git://, to be sent before anything is fed. */
void git_client_greet(struct buf *into, const struct git_url *url);

/* The next event from *in. ERR_AGAIN: all of *in was taken, feed more. Any other error ends the
 * conversation: git_client_line says why, as text for people that may quote the remote (escaped). */
enum err git_client_next(struct git_client *c, struct slice *in, struct git_client_event *event);

/* No more bytes will come (of this exchange, if stateless). OK: that is as it should be, and
 * nothing or DONE is what git_client_next says next; an error as above otherwise. */
enum err git_client_eof(struct git_client *c);

/* After SEND: c->out has been taken. */
void git_client_sent(struct git_client *c);

/* After HEAD: what the branch points to, valid as long as the client. */
struct git_head git_client_head(const struct git_client *c);

/* Answers to HEAD: asks for the pack, or ends in good order (SEND may follow, then DONE). */
void git_client_want(struct git_client *c);
void git_client_leave(struct git_client *c);

const char *git_client_line(const struct git_client *c);

#endif
