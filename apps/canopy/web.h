/*
 * Web: requests in, finished pages out.
 *
 * A request for content looks up bytes that were made when the content was loaded. Three paths are
 * not content: the hook, /status, and everything while there is none.
 */
#ifndef APPS_CANOPY_WEB_H
#define APPS_CANOPY_WEB_H

#include "apps/canopy/content.h"
#include "lib/http/service.h"

#define WEB_BODY_MAX      65536 /* bytes of a body that nobody reads: enough to say 405 instead of 413 */
#define WEB_RETRY_AFTER   5 /* seconds, told while there is no content */
#define WEB_HOOK_PATIENCE 8 /* seconds after which a push is answered though its update runs on */

struct web {
    struct content *content;
    const struct canopy_settings *settings;
    struct http_service *service;
    struct buf path;  /* scratch: a request's path, decoded */
    struct buf text;  /* scratch: fields of an answer, a line of the log */
    uint64_t started; /* monotonic */
    void (*stopped)(void);
};

/* Listens. ERR_EXISTS, ERR_DENIED, ...: the reason is logged. */
enum err web_start(struct web *w, struct stack *stack, struct content *content,
                   const struct canopy_settings *settings);

/* Finishes what is in flight (for at most `seconds`), then calls stopped. */
void web_stop(struct web *w, uint32_t seconds, void (*stopped)(void));

#endif
