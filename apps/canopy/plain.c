/* See plain.h. */
#include "apps/canopy/plain.h"

#include "apps/canopy/reply.h"
#include "runtime/address.h"

#define HTTPS_PORT 443
#define HOST_MAX   253

static bool is_host_byte(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

static bool is_host_name(struct slice host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!is_host_byte(host.ptr[i]))
            return false;
    return host.len > 0 && host.len <= HOST_MAX;
}

/* The host alone, an IPv6 address with its brackets: the port is the one of plain HTTP. Nothing else
 * may come into an address that we send readers to. */
static bool host_of(struct slice authority, struct slice *host)
{
    struct slice port;
    struct address six;
    size_t bracket = slice_starts(authority, SLICE("[")) ? slice_find(authority, ']') : 0;
    uint64_t number;
    if (bracket == 0) {
        bool has_port = slice_cut(authority, ':', host, &port);
        return is_host_name(*host) &&
               (!has_port || port.len == 0 || slice_decimal(port, UINT16_MAX, &number));
    }
    *host = slice_take(authority, bracket + 1);
    port = slice_drop(authority, bracket + 1);
    return bracket < authority.len && slice_find(*host, ':') < host->len &&
           address_parse(slice_drop(slice_take(*host, bracket), 1), &six) &&
           (port.len == 0 || port.ptr[0] == ':') &&
           (port.len <= 1 || slice_decimal(slice_drop(port, 1), UINT16_MAX, &number));
}

static void put_location(const struct web *w, struct buf *b, struct slice host,
                         const struct http_request *request)
{
    buf_printf(b, "Location: https://%.*s", SLICE_ARG(host));
    if (w->settings->tls != HTTPS_PORT)
        buf_printf(b, ":%u", w->settings->tls);
    buf_put(b, request->path);
    if (request->query.len > 0)
        buf_byte(b, '?');
    buf_put(b, request->query);
    buf_text(b, "\r\n");
}

static void send_on(struct web *w, struct http_exchange *x, const struct http_request *request)
{
    struct slice host;
    if (!host_of(request->authority, &host) || !slice_starts(request->path, SLICE("/"))) {
        web_answer_error(w, x, 400);
        return;
    }
    buf_clear(&w->text);
    buf_put(&w->text, REPLY_TEXT_FIELDS);
    put_location(w, &w->text, host, request);
    struct http_reply reply = {.status = 301};
    web_answer_gathered(w, x, &reply);
}

static void on_request(void *owner, struct http_exchange *x, const struct http_request *request,
                       struct slice body)
{
    struct plain *p = owner;
    (void)body;
    if (slice_starts(request->path, SLICE("/.well-known/acme-challenge/")))
        web_answer_content(p->web, x, request);
    else
        send_on(p->web, x, request);
}

static uint64_t body_limit(void *owner, const struct http_request *request)
{
    (void)owner;
    (void)request;
    return PLAIN_BODY_MAX;
}

static void on_record(void *owner, const struct http_record *record)
{
    web_record(((struct plain *)owner)->web, record);
}

enum err plain_start(struct plain *p, struct stack *stack, struct web *web)
{
    static const struct http_handler handler = {
        .body_limit = body_limit,
        .on_request = on_request,
        .on_record = on_record,
        .error_page = web_error_page,
        .fields = SLICE_INIT(WEB_FIELDS),
    };
    *p = (struct plain){.web = web};
    return web_listen(stack, web->settings->port, "port", &handler, p, &p->service);
}

static void on_closed(void *owner)
{
    ((struct plain *)owner)->stopped();
}

void plain_stop(struct plain *p, uint32_t seconds, void (*stopped)(void))
{
    p->stopped = stopped;
    http_service_close(p->service, seconds, on_closed);
}
