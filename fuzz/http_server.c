/*
 * Requests in any bytes, twice: whole, and in pieces whose lengths the first bytes of the input draw.
 * Both must understand the same. Pieces live in blocks of their own, which are freed at once.
 */
#include <stdlib.h>

#include "lib/http/server.h"
#include "runtime/panic.h"

#define BODY_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct http_server core;
    struct http_request request;
    struct buf trace;
    bool bad;
};

static void note(struct run *r, enum http_event event, struct slice piece)
{
    const struct http_request *q = &r->request;
    if (event == HTTP_EVENT_BODY) {
        assert_always(piece.len > 0);
        buf_put(&r->trace, piece);
    } else if (event == HTTP_EVENT_BAD) {
        buf_printf(&r->trace, "\nBAD %u\n", http_server_status(&r->core));
        r->bad = true;
    } else {
        buf_printf(&r->trace, "\n%u %.*s %.*s %.*s %.*s %u%u%u%u %llu\n", (unsigned)event,
                   SLICE_ARG(q->method_text), SLICE_ARG(q->path), SLICE_ARG(q->query),
                   SLICE_ARG(q->authority), q->minor, q->keep_alive, q->expect_continue, q->chunked,
                   (unsigned long long)q->content_length);
        for (uint32_t i = 0; i < q->field_count; i++)
            buf_printf(&r->trace, "%.*s=%.*s\n", SLICE_ARG(q->fields[i].name),
                       SLICE_ARG(q->fields[i].value));
    }
}

static void feed(struct run *r, struct slice bytes)
{
    uint8_t *copy = malloc(bytes.len + !bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    struct slice in = slice_of(copy, bytes.len), piece = {NULL, 0};
    enum http_event event;
    while (!r->bad &&
           (event = http_server_feed(&r->core, &in, &r->request, &piece)) != HTTP_EVENT_NEED)
        note(r, event, piece);
    assert_always(r->bad || in.len == 0);
    free(copy);
    memset(&r->request, 0xA5, sizeof r->request);
}

/* draw: where lengths of pieces come from; empty: all at once. */
static void run(struct run *r, struct slice bytes, struct slice draw)
{
    http_server_init(&r->core);
    buf_init(&r->trace, BODY_MAX);
    r->bad = false;
    for (size_t i = 0; bytes.len > 0; i++) {
        size_t n = draw.len ? draw.ptr[i % draw.len] + 1u : bytes.len;
        feed(r, slice_take(bytes, n));
        bytes = slice_drop(bytes, n);
    }
    feed(r, SLICE("\r\n")); /* ends a line, so that nothing wrong is still undiscovered */
    http_server_deinit(&r->core);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run whole, pieces;
    struct slice in = slice_of(data, size), draw = slice_take(in, 4);
    if (size < 4)
        return 0;
    run(&whole, slice_drop(in, 4), slice_of(NULL, 0));
    run(&pieces, slice_drop(in, 4), draw);
    assert_always(whole.trace.err == pieces.trace.err);
    assert_always(whole.trace.err ||
                  slice_equal(buf_slice(&whole.trace), buf_slice(&pieces.trace)));
    buf_deinit(&whole.trace);
    buf_deinit(&pieces.trace);
    return 0;
}
