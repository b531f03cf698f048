/*
 * Smart HTTP: git's protocol in HTTP exchanges (gitprotocol-http), as a pure core between the
 * connection and the conversation of protocol.h.
 *
 * One GET for the greeting, then one POST for each request. Redirects of the GET are followed as
 * git does: what was asked for must stand at the end of the new place, and what is before it is the
 * repository's URL from then on; never from https:// to a plain scheme. A name and a password are sent
 * to the host that they were given for, and to no other. A server without the smart protocol is
 * refused.
 */
#ifndef LIB_GIT_SMART_H
#define LIB_GIT_SMART_H

#include "lib/git/fetch.h"
#include "lib/git/url.h"
#include "lib/http/client.h"

#define GIT_REDIRECTS_MAX 5

enum git_smart_what {
    GIT_SMART_BODY,    /* bytes for git_client_next */
    GIT_SMART_END,     /* of the exchange */
    GIT_SMART_REDIRECT /* connect to url's new host, and GET again */
};

struct git_smart_event {
    enum git_smart_what what;
    struct slice bytes; /* BODY: as long as the input */
};

struct git_smart {
    struct git_url url; /* the present one */
    struct slice user;  /* for the present place, over https only: see struct git_remote */
    struct slice secret;
    struct http_client http;
    bool post; /* the present exchange is one */
    uint32_t redirects;
    struct buf moved; /* text of the present URL, after a redirect */
    char line[GIT_ERROR_MAX];
};

/* url's text, user and secret must live as long as s. */
void git_smart_init(struct git_smart *s, const struct git_url *url, struct slice user,
                    struct slice secret);
void git_smart_deinit(struct git_smart *s);

/* Writes a request into an empty buffer, and expects its answer. */
void git_smart_get(struct git_smart *s, struct buf *out);
void git_smart_post(struct git_smart *s, struct slice request, struct buf *out);

/* The next event. ERR_AGAIN: feed more. Another error: s->line says why. */
enum err git_smart_next(struct git_smart *s, struct slice *in, struct git_smart_event *event);

/* The connection has ended: OK: go on with git_smart_next; ERR_CLOSED: without an answer, which a
 * connection that carried one already may do (try again on a new one); or another error. */
enum err git_smart_eof(struct git_smart *s);

/* After END: whether the connection can carry another exchange. */
bool git_smart_keeps(const struct git_smart *s);

#endif
