/* Heads: the response's read (RFC 9112, 4 to 6), the request's written. */
#include "lib/http/client_head.h"

#include "lib/http/scan.h"

/* --- Reading -------------------------------------------------------------------------------- */

/* A user agent replaces the line end before a folded line by spaces (5.2). */
static void unfold(struct buf *head)
{
    for (size_t i = 0; i + 1 < head->len; i++) {
        uint8_t next = head->ptr[i + 1];
        if (head->ptr[i] != '\n' || (next != ' ' && next != '\t'))
            continue;
        head->ptr[i] = ' ';
        if (i > 0 && head->ptr[i - 1] == '\r')
            head->ptr[i - 1] = ' ';
    }
}

/* HTTP/1.x SP 3DIGIT [SP reason] */
static enum err status_line(struct slice line, struct http_response *r)
{
    uint64_t status, minor;
    struct slice version, code, rest;
    slice_cut(line, ' ', &version, &rest);
    slice_cut(rest, ' ', &code, &rest);
    if (!slice_starts(version, SLICE("HTTP/")))
        return ERR_MALFORMED;
    if (!slice_starts(version, SLICE("HTTP/1.")))
        return ERR_UNSUPPORTED;
    if (version.len != 8 || !slice_decimal(slice_drop(version, 7), 9, &minor) || code.len != 3 ||
        !slice_decimal(code, 599, &status) || status < 100)
        return ERR_MALFORMED;
    r->minor = (uint8_t)minor;
    r->status = (uint16_t)status;
    return OK;
}

static bool name_ok(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_token_byte(name.ptr[i]))
            return false;
    return name.len > 0;
}

static bool value_ok(struct slice value)
{
    return scan_value(value) == value.len;
}

static enum err field_line(struct slice line, struct http_response *r)
{
    struct slice name, value;
    if (r->field_count == HTTP_FIELDS_MAX)
        return ERR_LIMIT;
    if (!slice_cut(line, ':', &name, &value) || !name_ok(name) || !value_ok(slice_trim(value)))
        return ERR_MALFORMED;
    r->fields[r->field_count++] = (struct http_field){name, slice_trim(value)};
    return OK;
}

/* All values of a length must be the same number (RFC 9112, 6.3). */
static bool same_length(struct slice list, bool *seen, uint64_t *length)
{
    struct slice one;
    uint64_t value;
    do {
        slice_cut(list, ',', &one, &list);
        if (!slice_decimal(slice_trim(one), INT64_MAX, &value) || (*seen && value != *length))
            return false;
        *seen = true;
        *length = value;
    } while (list.len > 0);
    return true;
}

static bool has_token(struct slice list, struct slice token)
{
    struct slice one;
    while (list.len > 0) {
        slice_cut(list, ',', &one, &list);
        if (slice_equal_nocase(slice_trim(one), token))
            return true;
    }
    return false;
}

struct told {
    bool sized, close, keep_alive;
};

/* What a field says of the framing. */
static enum err framing_field(const struct http_field *f, struct http_response *r, struct told *t)
{
    if (slice_equal_nocase(f->name, SLICE("content-length")))
        return same_length(f->value, &t->sized, &r->content_length) ? OK : ERR_MALFORMED;
    if (slice_equal_nocase(f->name, SLICE("transfer-encoding"))) {
        if (r->chunked || r->minor == 0)
            return ERR_MALFORMED;
        r->chunked = true;
        return slice_equal_nocase(f->value, SLICE("chunked")) ? OK : ERR_UNSUPPORTED;
    }
    if (slice_equal_nocase(f->name, SLICE("connection"))) {
        t->close = t->close || has_token(f->value, SLICE("close"));
        t->keep_alive = t->keep_alive || has_token(f->value, SLICE("keep-alive"));
    }
    return OK;
}

/* A length beside chunks is a sign of trouble: chunks count, and the connection is not used again
 * (RFC 9112, 6.3). */
static enum err framing(struct http_response *r)
{
    struct told t = {.keep_alive = r->minor > 0};
    for (uint32_t i = 0; i < r->field_count; i++) {
        enum err e = framing_field(&r->fields[i], r, &t);
        if (e)
            return e;
    }
    bool bodiless = r->status == 204 || r->status == 304;
    r->until_close = !r->chunked && !t.sized;
    r->keep_alive =
        t.keep_alive && !t.close && (!r->until_close || bodiless) && !(r->chunked && t.sized);
    return OK;
}

enum err http_client_parse_head(struct buf *head, struct http_response *into)
{
    struct slice line, rest;
    *into = (struct http_response){0};
    unfold(head);
    rest = buf_slice(head);
    if (!slice_line(&rest, &line))
        return ERR_MALFORMED;
    enum err e = status_line(line, into);
    while (!e && slice_line(&rest, &line) && line.len > 0)
        e = field_line(line, into);
    return e ? e : framing(into);
}

const struct slice *http_response_field(const struct http_response *r, struct slice name)
{
    for (uint32_t i = 0; i < r->field_count; i++)
        if (slice_equal_nocase(r->fields[i].name, name))
            return &r->fields[i].value;
    return NULL;
}

/* --- Writing -------------------------------------------------------------------------------- */

static void put_checked(struct buf *b, struct slice text, bool ok)
{
    if (!ok && !b->err)
        b->err = ERR_ARGUMENT;
    buf_put(b, text);
}

void http_client_put_request(struct buf *b, const char *method, struct slice target,
                             struct slice authority)
{
    bool ok = target.len > 0 && value_ok(target) && slice_find(target, ' ') == target.len;
    buf_printf(b, "%s ", method);
    put_checked(b, target, ok);
    buf_text(b, " HTTP/1.1\r\n");
    http_client_put_field(b, "Host", authority);
}

void http_client_put_field(struct buf *b, const char *name, struct slice value)
{
    buf_printf(b, "%s: ", name);
    put_checked(b, value, value_ok(value));
    buf_text(b, "\r\n");
}

void http_client_put_end(struct buf *b)
{
    buf_text(b, "\r\n");
}
