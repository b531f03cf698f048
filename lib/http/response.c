/* See response.h. Room is reserved once, for the longest that it can be. */
#include "lib/http/response.h"

#include "lib/http/status.h"
#include "runtime/panic.h"

#define LENGTH_NAME   "Content-Length: "
#define LENGTH_DIGITS 20 /* of 2^64 - 1 */

static const struct slice PERSISTENCE[] = {
    [HTTP_PERSIST_SILENT] = SLICE_INIT("\r\n"),
    [HTTP_PERSIST_KEEP] = SLICE_INIT("Connection: keep-alive\r\n\r\n"),
    [HTTP_PERSIST_CLOSE] = SLICE_INIT("Connection: close\r\n\r\n"),
};

static uint8_t *put(uint8_t *at, struct slice s)
{
    if (s.len > 0)
        memcpy(at, s.ptr, s.len);
    return at + s.len;
}

static uint8_t *put_length(uint8_t *at, uint64_t length)
{
    uint8_t digits[LENGTH_DIGITS];
    size_t first = LENGTH_DIGITS;
    do {
        digits[--first] = (uint8_t)('0' + length % 10);
        length /= 10;
    } while (length > 0);
    at = put(at, SLICE(LENGTH_NAME));
    at = put(at, slice_of(digits + first, LENGTH_DIGITS - first));
    return put(at, SLICE("\r\n"));
}

void http_response_put(struct buf *b, const struct http_response_head *head)
{
    struct slice line = http_status_line(head->status), end = PERSISTENCE[head->persistence];
    assert_always(line.len > 0);
    size_t most = line.len + head->date.len + sizeof LENGTH_NAME + LENGTH_DIGITS + 2 + end.len;
    uint8_t *start = NULL;
    if (head->fields.len <= HTTP_REPLY_FIELDS_MAX &&
        head->common.len <= HTTP_REPLY_FIELDS_MAX - head->fields.len)
        start = buf_reserve(b, most + head->fields.len + head->common.len);
    else
        b->err = ERR_LIMIT;
    if (start == NULL)
        return;
    uint8_t *at = put(put(start, line), head->date);
    if (head->has_length)
        at = put_length(at, head->length);
    at = put(put(put(at, head->fields), head->common), end);
    buf_commit(b, (size_t)(at - start));
}
