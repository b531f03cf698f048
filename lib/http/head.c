/*
 * The head is read from front to back, once, without a copy: request line, field lines, empty line.
 *
 * Strict: one space between the parts of the request line, CRLF as the only line end, no white
 * space before a colon, no folded lines, no control bytes. What another server might read otherwise
 * is refused, so that nobody in front of us can be made to see other requests than we do.
 */
#include "lib/http/head.h"

#include "lib/http/scan.h"

#define TOKEN HTTP_IN_TOKEN
#define HOST  HTTP_IN_HOST
#define BOTH  (TOKEN | HOST)

/* clang-format off */
const uint8_t HTTP_BYTES[256] = {
    ['0' ... '9'] = BOTH, ['A' ... 'Z'] = BOTH, ['a' ... 'z'] = BOTH,
    ['-'] = BOTH, ['.'] = BOTH, ['_'] = BOTH, ['~'] = BOTH, ['%'] = BOTH, ['!'] = BOTH,
    ['$'] = BOTH, ['&'] = BOTH, ['\''] = BOTH, ['*'] = BOTH, ['+'] = BOTH,
    ['#'] = TOKEN, ['^'] = TOKEN, ['`'] = TOKEN, ['|'] = TOKEN,
    ['('] = HOST, [')'] = HOST, [','] = HOST, [';'] = HOST, ['='] = HOST,
};
/* clang-format on */

/* A run of `length` permitted bytes in a window of what follows: is it whole, and ended by `stop`?
 * Takes it and its stop. */
static uint16_t take_run(struct slice *rest, size_t length, size_t max, uint8_t stop,
                         uint16_t too_long, struct slice *run)
{
    if (length > max)
        return too_long;
    if (length == rest->len)
        return HTTP_PARSE_MORE;
    if (length == 0 || rest->ptr[length] != stop)
        return 400;
    *run = slice_take(*rest, length);
    *rest = slice_drop(*rest, length + 1);
    return HTTP_PARSE_WHOLE;
}

/* (Inlined by force, or the place where we are would live in memory instead of in registers.) */
static inline __attribute__((always_inline)) uint16_t line_end(struct slice *rest)
{
    if (rest->len >= 2 && rest->ptr[0] == '\r' && rest->ptr[1] == '\n') {
        *rest = slice_drop(*rest, 2);
        return HTTP_PARSE_WHOLE;
    }
    bool cut = rest->len == 0 || (rest->len == 1 && rest->ptr[0] == '\r');
    return cut ? HTTP_PARSE_MORE : 400;
}

static enum http_method method_of(struct slice text)
{
    if (slice_equal(text, SLICE("GET")))
        return HTTP_GET;
    if (slice_equal(text, SLICE("HEAD")))
        return HTTP_HEAD;
    if (slice_equal(text, SLICE("POST")))
        return HTTP_POST;
    if (slice_equal(text, SLICE("PUT")))
        return HTTP_PUT;
    if (slice_equal(text, SLICE("DELETE")))
        return HTTP_DELETE;
    return slice_equal(text, SLICE("OPTIONS")) ? HTTP_OPTIONS : HTTP_OTHER;
}

/* "HTTP/" DIGIT "." DIGIT: a later 1.x is read as 1.1 (RFC 9110, 2.5). */
static uint16_t version(struct slice *rest, struct http_request *r)
{
    if (rest->len < 8)
        return HTTP_PARSE_MORE;
    const uint8_t *v = rest->ptr;
    bool digits = (uint8_t)(v[5] - '0') < 10 && v[6] == '.' && (uint8_t)(v[7] - '0') < 10;
    if (memcmp(v, "HTTP/", 5) != 0 || !digits)
        return 400;
    if (v[5] != '1')
        return 505;
    r->minor = v[7] != '0';
    *rest = slice_drop(*rest, 8);
    return line_end(rest);
}

static uint16_t request_line(struct slice *rest, struct http_request *r)
{
    size_t length = scan_token(slice_take(*rest, HTTP_METHOD_MAX + 1));
    uint16_t status = take_run(rest, length, HTTP_METHOD_MAX, ' ', 501, &r->method_text);
    if (status != HTTP_PARSE_WHOLE)
        return status;
    r->method = method_of(r->method_text);
    length = scan_target(slice_take(*rest, HTTP_TARGET_MAX + 1));
    status = take_run(rest, length, HTTP_TARGET_MAX, ' ', 414, &r->target);
    if (status != HTTP_PARSE_WHOLE)
        return status;
    return version(rest, r);
}

static struct slice without_trailing_space(struct slice s)
{
    while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static uint16_t field_line(struct slice *rest, struct http_field *field)
{
    uint16_t status = take_run(rest, scan_token(*rest), HTTP_HEAD_MAX, ':', 431, &field->name);
    if (status != HTTP_PARSE_WHOLE)
        return status;
    while (rest->len > 0 && (rest->ptr[0] == ' ' || rest->ptr[0] == '\t'))
        *rest = slice_drop(*rest, 1);
    size_t length = scan_value(*rest);
    field->value = without_trailing_space(slice_take(*rest, length));
    *rest = slice_drop(*rest, length);
    return line_end(rest);
}

static uint16_t field_lines(struct slice *rest, struct http_request *r, struct http_framing *f)
{
    while (rest->len > 0 && rest->ptr[0] != '\r') {
        if (r->field_count == HTTP_FIELDS_MAX)
            return 431;
        struct http_field *field = &r->fields[r->field_count];
        uint16_t status = field_line(rest, field);
        if (status != HTTP_PARSE_WHOLE)
            return status;
        r->field_count++;
        r->field_mask |= http_field_bit(field->name);
        http_framing_note(f, r, field);
    }
    return line_end(rest);
}

/* The array of fields is left as it is: only field_count of them mean something. */
static void clear(struct http_request *r)
{
    r->method = HTTP_OTHER;
    r->method_text = r->target = r->path = r->query = r->authority = (struct slice){NULL, 0};
    r->minor = 0;
    r->keep_alive = r->expect_continue = r->chunked = false;
    r->content_length = 0;
    r->field_count = 0;
    r->field_mask = 0;
}

uint16_t http_parse_head(struct slice *in, struct http_request *r)
{
    struct slice window = slice_take(*in, HTTP_HEAD_MAX), rest = window;
    struct http_framing framing = {.hosts = 0};
    clear(r);
    uint16_t status = request_line(&rest, r);
    if (status == HTTP_PARSE_WHOLE)
        status = field_lines(&rest, r, &framing);
    if (status == HTTP_PARSE_MORE && window.len == HTTP_HEAD_MAX)
        return 431;
    if (status == HTTP_PARSE_WHOLE)
        status = http_parse_target(r);
    if (status == HTTP_PARSE_WHOLE)
        status = http_framing_end(&framing, r);
    if (status == HTTP_PARSE_WHOLE)
        *in = slice_drop(*in, window.len - rest.len);
    return status;
}

const struct slice *http_field_next(const struct http_request *r, struct slice name, uint32_t *at)
{
    if (!(r->field_mask & http_field_bit(name)))
        return NULL;
    while (*at < r->field_count) {
        const struct http_field *field = &r->fields[(*at)++];
        if (slice_equal_nocase(field->name, name))
            return &field->value;
    }
    return NULL;
}

const struct slice *http_field_only(const struct http_request *r, struct slice name)
{
    uint32_t at = 0;
    const struct slice *value = http_field_next(r, name, &at);
    return value && !http_field_next(r, name, &at) ? value : NULL;
}

const struct slice *http_field(const struct http_request *r, struct slice name)
{
    uint32_t at = 0;
    return http_field_next(r, name, &at);
}
