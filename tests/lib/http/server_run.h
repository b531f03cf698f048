/*
 * A run of the server core, for its tests.
 *
 * A trace is the text of what happened: a line for each request, or the status of the refusal.
 * Bytes are fed from blocks of exactly their size which are freed at once, so that a sanitizer sees
 * every read beyond or behind.
 */
#ifndef RINGLET_TESTS_LIB_HTTP_SERVER_RUN_H
#define RINGLET_TESTS_LIB_HTTP_SERVER_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/http/server.h"
#include "signatures/memory.h"

#define H     "Host: a\r\n"
#define GET   "GET / HTTP/1.1\r\n"
#define POST  "POST / HTTP/1.1\r\n" H
#define CODED POST "Transfer-Encoding: chunked\r\n\r\n"

struct run {
    struct http_server core;
    struct http_request request;
    struct buf trace, body;
    bool bad;
};

static void trace_request(struct run *r)
{
    const struct http_request *q = &r->request;
    buf_printf(&r->trace, "%.*s path=%.*s query=%.*s for=%.*s 1.%u %s fields=%u",
               SLICE_ARG(q->method_text), SLICE_ARG(q->path), SLICE_ARG(q->query),
               SLICE_ARG(q->authority), q->minor, q->keep_alive ? "keep" : "close", q->field_count);
    for (uint32_t i = 0; i < q->field_count; i++)
        buf_printf(&r->trace, " [%.*s|%.*s]", SLICE_ARG(q->fields[i].name),
                   SLICE_ARG(q->fields[i].value));
    buf_printf(&r->trace, " body=%.*s\n", SLICE_ARG(buf_slice(&r->body)));
    buf_clear(&r->body);
}

static void feed(struct run *r, struct slice bytes)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    memcpy(copy, bytes.ptr, bytes.len);
    struct slice in = slice_of(copy, bytes.len), piece = {NULL, 0};
    enum http_event event;
    while (!r->bad &&
           (event = http_server_feed(&r->core, &in, &r->request, &piece)) != HTTP_EVENT_NEED) {
        if (event == HTTP_EVENT_BODY)
            buf_put(&r->body, piece);
        if (event == HTTP_EVENT_COMPLETE)
            trace_request(r);
        if (event == HTTP_EVENT_BAD) {
            buf_printf(&r->trace, "%u\n", http_server_status(&r->core));
            r->bad = true;
        }
    }
    if (!r->bad)
        assert_int_equal(in.len, 0);
    free(copy);
    /* The request may have been used for another connection meanwhile. */
    memset(&r->request, 0xA5, sizeof r->request);
}

static void run_init(struct run *r)
{
    memset(r, 0, sizeof *r);
    http_server_init(&r->core);
    buf_init(&r->trace, SIZE_MAX);
    buf_init(&r->body, SIZE_MAX);
}

static void run_deinit(struct run *r)
{
    http_server_deinit(&r->core);
    buf_deinit(&r->trace);
    buf_deinit(&r->body);
}

#endif
