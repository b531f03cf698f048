/* See accesslog.h. */
#include "apps/canopy/accesslog.h"

#include "lib/date/text.h"
#include "signatures/clock.h"

#define SHOWN_MAX 1024 /* bytes of a text from the client */

static bool plain(uint8_t c)
{
    return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
}

static void put_escaped(struct buf *b, struct slice text, bool spaces)
{
    text = slice_take(text, SHOWN_MAX);
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (plain(c) || (spaces && c == ' '))
            continue;
        buf_put(b, slice_of(text.ptr + from, i - from));
        buf_printf(b, "\\x%02x", c);
        from = i + 1;
    }
    buf_put(b, slice_drop(text, from));
}

static void put_quoted(struct buf *b, struct slice text)
{
    buf_text(b, " \"");
    if (text.len == 0)
        buf_byte(b, '-');
    put_escaped(b, text, true);
    buf_byte(b, '"');
}

static void put_number(struct buf *b, char before, uint64_t value, size_t digits)
{
    buf_byte(b, (uint8_t)before);
    buf_decimal(b, value, digits);
}

void access_log_line(struct buf *b, const struct http_record *r)
{
    char client[ADDRESS_TEXT_MAX], time[DATE_RFC3339_LEN + 1];
    address_format(r->client.address, client);
    date_rfc3339_format(r->wall / (int64_t)CLOCK_SEC, time);
    buf_put(b, slice_of(time, DATE_RFC3339_LEN - 1));
    put_number(b, '.', (uint64_t)(r->wall / (int64_t)CLOCK_MS % 1000), 3);
    buf_text(b, "Z ");
    buf_text(b, client);
    buf_byte(b, ' ');
    put_escaped(b, r->method.len ? r->method : SLICE("-"), false);
    buf_byte(b, ' ');
    put_escaped(b, r->target.len ? r->target : SLICE("-"), false);
    put_number(b, ' ', r->status, 1);
    put_number(b, ' ', r->sent, 1);
    put_number(b, ' ', r->took / CLOCK_MS, 1);
    put_number(b, '.', r->took / CLOCK_US % 1000, 3);
    put_quoted(b, r->referrer);
    put_quoted(b, r->agent);
}
