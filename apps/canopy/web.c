/* See web.h. */
#include "apps/canopy/web.h"

#include "apps/canopy/accesslog.h"
#include "apps/canopy/hook.h"
#include "apps/canopy/push.h"
#include "apps/canopy/reply.h"
#include "apps/canopy/status.h"
#include "lib/http/choose.h"
#include "lib/text/percent.h"
#include "runtime/format.h"
#include "runtime/log.h"
#include "signatures/clock.h"

static void release_page(void *page)
{
    site_page_drop(page);
}

/* A body that the page lends for as long as it takes to send it. */
static void lend_page(struct http_reply *reply, struct site_page *page, struct slice body)
{
    site_page_hold(page);
    reply->body = body;
    reply->loan = (struct loan){release_page, page};
}

void web_answer_gathered(struct web *w, struct http_exchange *x, struct http_reply *reply)
{
    reply->fields = buf_slice(&w->text);
    if (w->text.err != OK) {
        if (reply->loan.release)
            reply->loan.release(reply->loan.arg);
        *reply = (struct http_reply){
            .status = 500, .fields = REPLY_HTML_FIELDS, .body = site_bare_page(500)};
    }
    http_answer(x, reply);
}

static void answer_error_with(struct web *w, struct http_exchange *x, uint16_t status,
                              struct slice more_fields)
{
    struct http_reply reply = {.status = status};
    buf_clear(&w->text);
    struct site_page *page = w->content->site ? site_error(w->content->site, status) : NULL;
    if (page && site_page_ready(page) == OK) {
        buf_put(&w->text, page->fields);
        lend_page(&reply, page, page->body);
    } else {
        buf_put(&w->text, REPLY_HTML_FIELDS);
        reply.body = site_bare_page(status);
    }
    buf_put(&w->text, more_fields);
    web_answer_gathered(w, x, &reply);
}

void web_answer_text(struct web *w, struct http_exchange *x, uint16_t status, struct buf *text)
{
    if (text->err == OK) {
        reply_buf(x, status, text);
    } else {
        buf_deinit(text);
        web_answer_error(w, x, 500);
    }
}

void web_answer_error(struct web *w, struct http_exchange *x, uint16_t status)
{
    answer_error_with(w, x, status, (struct slice){NULL, 0});
}

static void answer_no_content_yet(struct web *w, struct http_exchange *x)
{
    char field[48];
    format_text(field, sizeof(field), "Retry-After: %u\r\n", WEB_RETRY_AFTER);
    answer_error_with(w, x, 503, slice_text(field));
}

static void answer_method(struct web *w, struct http_exchange *x, const char *allowed)
{
    char field[48];
    format_text(field, sizeof(field), "Allow: %s\r\n", allowed);
    answer_error_with(w, x, 405, slice_text(field));
}

static void answer_range(struct web *w, struct http_exchange *x, struct site_page *page,
                         const struct http_choice *choice)
{
    struct http_reply reply = {.status = 206};
    buf_clear(&w->text);
    buf_put(&w->text, page->fields);
    buf_printf(&w->text, "Content-Range: bytes %llu-%llu/%zu\r\n",
               (unsigned long long)choice->first,
               (unsigned long long)(choice->first + choice->length - 1), page->body.len);
    lend_page(&reply, page,
              slice_take(slice_drop(page->body, (size_t)choice->first), (size_t)choice->length));
    web_answer_gathered(w, x, &reply);
}

/* Without the page's own fields: a cache would keep the refusal for whoever asks for the page. */
static void answer_no_range(struct web *w, struct http_exchange *x, const struct site_page *page)
{
    char field[48];
    format_text(field, sizeof(field), "Content-Range: bytes */%zu\r\n", page->body.len);
    answer_error_with(w, x, 416, slice_text(field));
}

static struct slice fields_of(const struct site_page *page, const struct http_choice *choice)
{
    if (choice->status == 304)
        return choice->gzip ? page->gzip_cached_fields : page->cached_fields;
    return choice->gzip ? page->gzip_fields : page->fields;
}

/* Whether the bytes of this form are there; else the answer is why not. */
static bool has_bytes(struct web *w, struct http_exchange *x, struct site_page *page,
                      const struct http_choice *choice)
{
    if (choice->gzip || choice->status == 304 || site_page_unpack(page) == OK)
        return true;
    web_answer_error(w, x, 500);
    return false;
}

static void answer_page(struct web *w, struct http_exchange *x, const struct http_request *request,
                        struct site_page *page)
{
    if (site_page_ready(page) != OK) {
        web_answer_error(w, x, 500);
        return;
    }
    if (page->status != 200) {
        struct http_reply reply = {.status = page->status, .fields = page->fields};
        lend_page(&reply, page, page->body);
        http_answer(x, &reply);
        return;
    }
    struct http_resource resource = {
        .etag = page->etag,
        .gzip_etag = page->gzip.len > 0 ? page->gzip_etag : (struct slice){NULL, 0},
        .modified = page->modified,
        .length = page->body.len,
        .ranges = page->ranges,
    };
    struct http_choice choice = http_choose(request, &resource, clock_wall() / (int64_t)CLOCK_SEC);
    if (choice.status == 416) {
        answer_no_range(w, x, page);
    } else if (choice.status == 412) {
        web_answer_error(w, x, 412);
    } else if (!has_bytes(w, x, page, &choice)) {
        return;
    } else if (choice.status == 206) {
        answer_range(w, x, page, &choice);
    } else {
        struct http_reply reply = {
            .status = choice.status,
            .fields = fields_of(page, &choice),
        };
        lend_page(&reply, page, choice.gzip ? page->gzip : page->body);
        http_answer(x, &reply);
    }
}

/* Whoever asks for "/Posts/" is sent to "/Posts", where there is such a page. */
static bool answer_without_slash(struct web *w, struct http_exchange *x, struct slice path)
{
    buf_clear(&w->text);
    buf_put(&w->text, REPLY_TEXT_FIELDS);
    buf_text(&w->text, "Location: ");
    if (!site_moved(w->content->site, path, &w->text))
        return false;
    buf_text(&w->text, "\r\n");
    struct http_reply reply = {.status = 301};
    web_answer_gathered(w, x, &reply);
    return true;
}

static void answer_status(struct web *w, struct http_exchange *x)
{
    struct buf text;
    buf_init(&text, STATUS_BYTES_MAX);
    status_whole(&text, w);
    web_answer_text(w, x, 200, &text);
}

static bool reads(const struct http_request *request)
{
    return request->method == HTTP_GET || request->method == HTTP_HEAD;
}

static bool is_hook(const struct web *w, const struct http_request *request)
{
    return w->settings->remote.len > 0 && slice_equal(request->path, w->settings->hook);
}

/* Only assets are known by name and query: the query is their version. */
static struct site_page *find_page(const struct web *w, const struct http_request *request,
                                   struct slice path)
{
    const struct site *site = w->content->site;
    struct site_page *page = NULL;
    if (site && request->query.len > 0)
        page = site_find(site, request->target);
    return page || !site ? page : site_find(site, path);
}

static void answer_path(struct web *w, struct http_exchange *x, const struct http_request *request,
                        struct slice path)
{
    struct site_page *page = find_page(w, request, path);
    if (slice_is(path, "/status"))
        answer_status(w, x);
    else if (!w->content->site)
        answer_no_content_yet(w, x);
    else if (page)
        answer_page(w, x, request, page);
    else if (!answer_without_slash(w, x, path))
        web_answer_error(w, x, 404);
}

void web_answer_content(struct web *w, struct http_exchange *x, const struct http_request *request)
{
    struct slice path;
    if (request->method == HTTP_OTHER) {
        web_answer_error(w, x, 501);
    } else if (!reads(request)) {
        answer_method(w, x, "GET, HEAD");
    } else {
        enum err e = percent_decode_path(request->path, &w->path, &path);
        if (e == OK)
            answer_path(w, x, request, path);
        else
            web_answer_error(w, x, e == ERR_MALFORMED ? 400 : 500);
    }
}

/* A page of the hook's name can be read all the same. */
static bool reads_page(const struct web *w, const struct http_request *request)
{
    return reads(request) && w->content->site && site_find(w->content->site, request->path);
}

static void on_request(void *owner, struct http_exchange *x, const struct http_request *request,
                       struct slice body)
{
    struct web *w = owner;
    if (!is_hook(w, request) || reads_page(w, request))
        web_answer_content(w, x, request);
    else if (request->method == HTTP_POST)
        push_answer(w, x, request, body);
    else
        answer_method(w, x, "POST");
}

static uint64_t body_limit(void *owner, const struct http_request *request)
{
    bool push = is_hook(owner, request) && request->method == HTTP_POST;
    return push ? HOOK_BODY_MAX : WEB_BODY_MAX;
}

void web_error_page(void *owner, uint16_t status, struct http_reply *into)
{
    (void)owner;
    into->fields = REPLY_HTML_FIELDS;
    into->body = site_bare_page(status);
}

void web_record(struct web *w, const struct http_record *record)
{
    if (!log_wants(LOG_INFO, ACCESS_LOG_SOURCE))
        return;
    buf_clear(&w->text);
    access_log_line(&w->text, record);
    log_raw(buf_slice(&w->text));
}

static void on_record(void *owner, const struct http_record *record)
{
    web_record(owner, record);
}

enum err web_listen(struct stack *stack, uint16_t port, const char *setting,
                    const struct http_handler *handler, void *owner, struct http_service **into)
{
    struct endpoint local = {.address = ADDRESS_ANY, .port = port};
    enum err e = http_service_open(stack, local, NULL, handler, owner, into);
    if (e == ERR_EXISTS)
        log_error("web", "port %u is taken by another program: choose one with --%s", port,
                  setting);
    else if (e != OK)
        log_error("web", "cannot listen on port %u: %s", port, err_text(e));
    else
        log_info("web", "listening on port %u", port);
    return e;
}

enum err web_start(struct web *w, struct stack *stack, struct content *content,
                   const struct canopy_settings *settings)
{
    struct http_handler handler = {
        .body_limit = body_limit,
        .on_request = on_request,
        .on_record = on_record,
        .error_page = web_error_page,
        .fields = settings->tls ? SLICE(WEB_SECURE_FIELDS) : SLICE(WEB_FIELDS),
    };
    *w = (struct web){.content = content, .settings = settings, .started = clock_monotonic()};
    buf_init(&w->path, HTTP_TARGET_MAX);
    buf_init(&w->text, HTTP_HEAD_MAX);
    return settings->tls ? web_listen(stack, settings->tls, "tls", &handler, w, &w->service)
                         : web_listen(stack, settings->port, "port", &handler, w, &w->service);
}

static void on_closed(void *owner)
{
    ((struct web *)owner)->stopped();
}

void web_stop(struct web *w, uint32_t seconds, void (*stopped)(void))
{
    w->stopped = stopped;
    http_service_close(w->service, seconds, on_closed);
}

void web_release(struct web *w)
{
    buf_deinit(&w->path);
    buf_deinit(&w->text);
}
