/* The forms of a request's target (RFC 9112, 3.2), and what a host may look like (RFC 3986, 3.2). */
#include "lib/http/head.h"
#include "lib/http/scan.h"

static bool port_valid(struct slice port)
{
    uint64_t number;
    return port.len == 0 || (port.len <= 5 && slice_decimal(port, UINT16_MAX, &number));
}

/* "[" hexadecimal digits, ':' and '.' "]"; *rest is what follows. */
static bool take_ipv6(struct slice s, struct slice *rest)
{
    size_t n = 1;
    while (n < s.len && ((uint8_t)((s.ptr[n] | 0x20) - 'a') < 6 || (uint8_t)(s.ptr[n] - '0') < 11 ||
                         s.ptr[n] == '.'))
        n++; /* ':' is the byte behind '9' */
    *rest = slice_drop(s, n + 1);
    return n > 2 && n < s.len && s.ptr[n] == ']';
}

static bool take_name(struct slice s, struct slice *rest)
{
    size_t n = 0;
    while (n < s.len && (HTTP_BYTES[s.ptr[n]] & HTTP_IN_HOST))
        n++;
    *rest = slice_drop(s, n);
    return n > 0;
}

/* host [ ":" port ], without user information; the host is not empty. */
bool http_authority_valid(struct slice authority)
{
    struct slice rest;
    bool literal = authority.len > 0 && authority.ptr[0] == '[';
    if (!(literal ? take_ipv6(authority, &rest) : take_name(authority, &rest)))
        return false;
    return rest.len == 0 || (rest.ptr[0] == ':' && port_valid(slice_drop(rest, 1)));
}

static void split_query(struct http_request *r, struct slice path)
{
    slice_cut(path, '?', &r->path, &r->query);
}

/* http://authority/path?query: the authority is here, whatever Host says (RFC 9112, 3.2.2). */
static uint16_t absolute_form(struct http_request *r)
{
    static const struct slice schemes[] = {SLICE_INIT("http://"), SLICE_INIT("https://")};
    struct slice rest = {NULL, 0};
    for (size_t i = 0; i < 2 && rest.len == 0; i++)
        if (slice_equal_nocase(slice_take(r->target, schemes[i].len), schemes[i]))
            rest = slice_drop(r->target, schemes[i].len);
    size_t end = 0;
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    r->authority = slice_take(rest, end);
    if (!http_authority_valid(r->authority))
        return 400;
    split_query(r, slice_drop(rest, end));
    if (r->path.len == 0)
        r->path = end == rest.len && r->method == HTTP_OPTIONS ? SLICE("*") : SLICE("/");
    return HTTP_PARSE_WHOLE;
}

uint16_t http_parse_target(struct http_request *r)
{
    if (r->target.ptr[0] == '/') {
        split_query(r, r->target);
        return HTTP_PARSE_WHOLE;
    }
    if (slice_equal(r->method_text, SLICE("CONNECT")))
        return 501; /* we are no proxy */
    if (slice_equal(r->target, SLICE("*"))) {
        r->path = r->target;
        return r->method == HTTP_OPTIONS ? HTTP_PARSE_WHOLE : 400;
    }
    return absolute_form(r);
}
