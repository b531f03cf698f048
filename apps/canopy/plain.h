/*
 * Plain: the port without TLS, where HTTPS is served as well: it sends everybody there.
 *
 * Only what proves to a certificate authority that the name is ours is answered here
 * (/.well-known/acme-challenge/ of the content; RFC 8555, 8.3).
 */
#ifndef APPS_CANOPY_PLAIN_H
#define APPS_CANOPY_PLAIN_H

#include "apps/canopy/web.h"

#define PLAIN_BODY_MAX (64u << 10) /* of a request that is sent on; it is not looked at */

struct plain {
    struct web *web; /* which serves HTTPS */
    struct http_service *service;
    void (*stopped)(void);
};

/* Listens; as web_start. */
enum err plain_start(struct plain *p, struct stack *stack, struct web *web);
void plain_stop(struct plain *p, uint32_t seconds, void (*stopped)(void));

#endif
