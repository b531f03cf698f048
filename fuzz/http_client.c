/*
 * HTTP responses: the first byte says how the rest is cut; heads and bodies must be the same however
 * it is.
 */
#include "lib/http/client.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void note_event(const struct http_client *c, const struct http_client_event *event,
                       struct buf *log)
{
    const struct http_response *r = &c->response;
    buf_put(log, event->bytes);
    if (event->what == HTTP_CLIENT_BODY && event->bytes.len == 0)
        abort();
    if (event->what == HTTP_CLIENT_END)
        buf_text(log, "<end>");
    if (event->what != HTTP_CLIENT_HEAD)
        return;
    buf_printf(log, "<%u %d %d %d>", (unsigned)r->status, r->keep_alive, r->chunked,
               r->until_close);
    for (uint32_t i = 0; i < r->field_count; i++) {
        buf_put(log, r->fields[i].name);
        buf_byte(log, ':');
        buf_put(log, r->fields[i].value);
        if (!http_response_field(r, r->fields[i].name))
            abort();
    }
}

static void read_all(struct slice in, size_t piece_size, struct buf *log)
{
    struct http_client c;
    struct http_client_event event = {.what = HTTP_CLIENT_HEAD};
    enum err e = ERR_AGAIN;
    http_client_init(&c);
    http_client_expect(&c, false);
    while (in.len > 0 && e == ERR_AGAIN) {
        struct slice piece = slice_take(in, piece_size);
        in = slice_drop(in, piece.len);
        while ((e = http_client_next(&c, &piece, &event)) == OK) {
            note_event(&c, &event, log);
            if (event.what == HTTP_CLIENT_END) /* the next response follows */
                http_client_expect(&c, false);
        }
    }
    if (e == ERR_AGAIN)
        e = http_client_eof(&c);
    buf_printf(log, "=%d", (int)e);
    http_client_deinit(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf whole, pieces;
    if (size < 2)
        return 0;
    buf_init(&whole, SIZE_MAX);
    buf_init(&pieces, SIZE_MAX);
    read_all(slice_of(data + 1, size - 1), SIZE_MAX, &whole);
    read_all(slice_of(data + 1, size - 1), (size_t)data[0] + 1, &pieces);
    if (!slice_equal(buf_slice(&whole), buf_slice(&pieces)))
        abort();
    buf_deinit(&whole);
    buf_deinit(&pieces);
    return 0;
}
