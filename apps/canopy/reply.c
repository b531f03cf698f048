/* See reply.h. */
#include "apps/canopy/reply.h"

#include "signatures/memory.h"

#define NOT_STORED "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"

const struct slice REPLY_TEXT_FIELDS =
    SLICE_INIT("Content-Type: text/plain; charset=utf-8\r\n" NOT_STORED);
const struct slice REPLY_HTML_FIELDS =
    SLICE_INIT("Content-Type: text/html; charset=utf-8\r\n" NOT_STORED);

void reply_text(struct http_exchange *x, uint16_t status, const char *text)
{
    struct http_reply reply = {
        .status = status, .fields = REPLY_TEXT_FIELDS, .body = slice_text(text)};
    http_answer(x, &reply);
}

void reply_buf(struct http_exchange *x, uint16_t status, struct buf *text)
{
    struct slice bytes = buf_release(text);
    struct http_reply reply = {
        .status = status,
        .fields = REPLY_TEXT_FIELDS,
        .body = bytes,
        .loan = {memory_free, (void *)(uintptr_t)bytes.ptr},
    };
    http_answer(x, &reply);
}
