/* Any fields: what is chosen is a part of what there is. */
#include <stdlib.h>

#include "lib/http/choose.h"
#include "lib/http/server.h"
#include "runtime/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct http_request *request, uint64_t length)
{
    const struct http_resource resource = {
        .etag = SLICE("\"plain\""),
        .gzip_etag = SLICE("\"gzip\""),
        .modified = 784111777,
        .length = length,
        .ranges = true,
    };
    struct http_choice c = http_choose(request, &resource, 1795402800);
    assert_always(c.first <= length && c.length <= length - c.first);
    switch (c.status) {
    case 206:
        assert_always(c.length > 0 && !c.gzip);
        break;
    case 200:
    case 304:
    case 412:
    case 416:
        assert_always(c.first == 0 && c.length == length);
        break;
    default:
        panic("no such choice");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_request request;
    struct http_server core;
    struct slice body;
    struct buf head;
    buf_init(&head, HTTP_HEAD_MAX);
    buf_text(&head, "GET / HTTP/1.1\r\nHost: a\r\n");
    buf_put(&head, slice_of(data, size));
    buf_text(&head, "\r\n\r\n");
    struct slice in = buf_slice(&head);
    http_server_init(&core);
    if (http_server_feed(&core, &in, &request, &body) == HTTP_EVENT_COMPLETE) {
        check(&request, 0);
        check(&request, 1000);
        check(&request, UINT64_MAX);
    }
    http_server_deinit(&core);
    buf_deinit(&head);
    return 0;
}
