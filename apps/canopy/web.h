/*
 * Web: requests in, finished pages out; over TLS or plain.
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

/* Field lines that every answer carries; what only pages have is theirs (lib/site). */
#define WEB_FIELDS "Referrer-Policy: strict-origin-when-cross-origin\r\n"
/* Over TLS: for a year from now, never come by plain HTTP (RFC 6797). */
#define WEB_SECURE_FIELDS WEB_FIELDS "Strict-Transport-Security: max-age=31536000\r\n"

struct secure;
struct plain;

struct web {
    struct content *content;
    const struct secure *secure; /* for /status; NULL without TLS */
    const struct plain *plain;   /* the same */
    const struct canopy_settings *settings;
    struct http_service *service;
    struct buf path;  /* scratch: a request's path, decoded */
    struct buf text;  /* scratch: fields of an answer, a line of the log */
    uint64_t started; /* monotonic */
    void (*stopped)(void);
};

/* Listens, on the settings' port, or, with TLS, on its port of a stack whose connections are TLS.
 * ERR_EXISTS, ERR_DENIED, ...: the reason is logged. */
enum err web_start(struct web *w, struct stack *stack, struct content *content,
                   const struct canopy_settings *settings);

/* Finishes what is in flight (for at most `seconds`), then calls stopped. */
void web_stop(struct web *w, uint32_t seconds, void (*stopped)(void));

/* After that, and when no service beside it uses it any more: gives its memory back. */
void web_release(struct web *w);

/* --- for what else answers --- */

/* With the text gathered in a buffer, which is taken over; with a 500 where there was no memory for
 * all of it. */
void web_answer_text(struct web *w, struct http_exchange *x, uint16_t status, struct buf *text);

/* With the field lines gathered in w->text; with a 500 where there was no memory for all of them. */
void web_answer_gathered(struct web *w, struct http_exchange *x, struct http_reply *reply);

enum err web_listen(struct stack *stack, uint16_t port, const char *setting,
                    const struct http_handler *handler, void *owner, struct http_service **into);
void web_answer_content(struct web *w, struct http_exchange *x, const struct http_request *request);
void web_answer_error(struct web *w, struct http_exchange *x, uint16_t status);
void web_error_page(void *owner, uint16_t status, struct http_reply *into);
void web_record(struct web *w, const struct http_record *record);

#endif
