/* Smart HTTP: see smart.h. */
#include "lib/git/smart.h"

#include "runtime/format.h"

#define SERVICE         "git-upload-pack"
#define CREDENTIALS_MAX (2 * GIT_URL_MAX) /* bytes of a name with its password, or of a token */

void git_smart_init(struct git_smart *s, const struct git_url *url, struct slice user,
                    struct slice secret)
{
    *s = (struct git_smart){.url = *url, .user = user, .secret = secret};
    http_client_init(&s->http);
    buf_init(&s->moved, GIT_URL_MAX);
}

void git_smart_deinit(struct git_smart *s)
{
    http_client_deinit(&s->http);
    buf_deinit(&s->moved);
}

static enum err fail(struct git_smart *s, enum err why, const char *line)
{
    format_text(s->line, sizeof(s->line), "%s", line);
    return why;
}

/* --- Requests ------------------------------------------------------------------------------- */

/* Characters that are not ASCII are for people; on the wire they are encoded. */
static void put_encoded(struct buf *b, struct slice path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] < 0x80)
            buf_byte(b, path.ptr[i]);
        else
            buf_printf(b, "%%%02X", (unsigned int)path.ptr[i]);
    }
}

static void put_base64(struct buf *b, struct slice s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < s.len; i += 3) {
        size_t n = s.len - i < 3 ? s.len - i : 3;
        uint32_t three = (uint32_t)s.ptr[i] << 16;
        three |= n > 1 ? (uint32_t)s.ptr[i + 1] << 8 : 0;
        three |= n > 2 ? (uint32_t)s.ptr[i + 2] : 0;
        for (size_t k = 0; k < 4; k++)
            buf_byte(b, k <= n ? (uint8_t)digits[three >> (18 - 6 * k) & 63] : '=');
    }
}

/* NAME:PASSWORD (RFC 7617, 2): what the URL says of them comes first. */
static void put_person(struct buf *b, const struct git_smart *s)
{
    if (s->url.user.len > 0)
        git_url_put_decoded(b, s->url.user);
    else
        buf_put(b, s->user);
    buf_byte(b, ':');
    if (s->url.password.len > 0)
        git_url_put_decoded(b, s->url.password);
    else
        buf_put(b, s->secret);
}

static bool is_named(const struct git_smart *s)
{
    return s->url.user.len > 0 || s->url.password.len > 0 || s->user.len > 0;
}

static void put_authorization(struct buf *b, const struct git_smart *s)
{
    struct buf plain, field;
    if (!is_named(s) && s->secret.len == 0)
        return;
    buf_init(&plain, CREDENTIALS_MAX);
    buf_init(&field, CREDENTIALS_MAX * 2);
    if (is_named(s)) {
        put_person(&plain, s);
        buf_text(&field, "Basic ");
        put_base64(&field, buf_slice(&plain));
    } else {
        buf_text(&field, "Bearer ");
        buf_put(&field, s->secret);
    }
    http_client_put_field(b, "Authorization", buf_slice(&field));
    if (!b->err)
        b->err = plain.err ? plain.err : field.err;
    buf_deinit(&plain);
    buf_deinit(&field);
}

/* The part of a request that both kinds share. */
static void put_request(const struct git_smart *s, struct buf *out, const char *method,
                        const char *what)
{
    struct buf target, authority;
    buf_init(&target, (size_t)GIT_URL_MAX * 3 + 64);
    buf_init(&authority, GIT_URL_MAX);
    put_encoded(&target, s->url.path);
    buf_text(&target, what);
    git_url_put_authority(&authority, &s->url);
    http_client_put_request(out, method, buf_slice(&target), buf_slice(&authority));
    http_client_put_field(out, "User-Agent", SLICE("git/ringlet"));
    http_client_put_field(out, "Git-Protocol", SLICE("version=2"));
    put_authorization(out, s);
    if (!out->err)
        out->err = target.err ? target.err : authority.err;
    buf_deinit(&target);
    buf_deinit(&authority);
}

void git_smart_get(struct git_smart *s, struct buf *out)
{
    bool query = slice_find(s->url.path, '?') < s->url.path.len;
    put_request(s, out, "GET",
                query ? "/info/refs&service=" SERVICE : "/info/refs?service=" SERVICE);
    http_client_put_field(out, "Accept", SLICE("*/*"));
    http_client_put_field(out, "Pragma", SLICE("no-cache"));
    http_client_put_end(out);
    s->post = false;
    http_client_expect(&s->http, false);
}

void git_smart_post(struct git_smart *s, struct slice request, struct buf *out)
{
    char length[24];
    size_t digits = format_text(length, sizeof(length), "%zu", request.len);
    put_request(s, out, "POST", "/" SERVICE);
    http_client_put_field(out, "Content-Type", SLICE("application/x-" SERVICE "-request"));
    http_client_put_field(out, "Accept", SLICE("application/x-" SERVICE "-result"));
    http_client_put_field(out, "Content-Length", slice_of(length, digits));
    http_client_put_end(out);
    buf_put(out, request);
    s->post = true;
    http_client_expect(&s->http, false);
}

/* --- Redirects ------------------------------------------------------------------------------ */

/* Location is relative to what was asked for, .../info/refs (RFC 3986, 4.2). */
static void put_location(const struct git_smart *s, struct buf *b, struct slice location)
{
    struct slice fragment;
    struct git_url root = s->url;
    slice_cut(location, '#', &location, &fragment);
    root.path = (struct slice){NULL, 0};
    if (slice_starts(location, SLICE("//"))) {
        buf_text(b, s->url.scheme == GIT_SCHEME_HTTPS ? "https:" : "http:");
    } else if (slice_starts(location, SLICE("/"))) {
        git_url_put(b, &root);
    } else if (slice_find(location, ':') >= slice_find(location, '/')) {
        git_url_put(b, &s->url);
        buf_text(b, "/info/");
    }
    buf_put(b, location);
}

static bool same_place(const struct git_url *a, const struct git_url *b)
{
    return a->scheme == b->scheme && a->port == b->port && slice_equal_nocase(a->host, b->host);
}

static enum err move_to(struct git_smart *s, struct slice base)
{
    struct git_url to;
    const char *why;
    if (git_url_parse(base, &to, &why))
        return fail(s, ERR_UNSUPPORTED, "the remote redirects to something that is no git URL");
    if (to.scheme == GIT_SCHEME_GIT)
        return fail(s, ERR_UNSUPPORTED, "the remote redirects to git://, away from HTTP");
    if (to.scheme != GIT_SCHEME_HTTPS && s->url.scheme == GIT_SCHEME_HTTPS)
        return fail(s, ERR_DENIED, "the remote redirects from https:// to http://, in plain text");
    bool same = same_place(&s->url, &to);
    to.user = same ? s->url.user : (struct slice){NULL, 0};
    to.password = same ? s->url.password : (struct slice){NULL, 0};
    to.branch = s->url.branch;
    if (!same)
        s->user = s->secret = (struct slice){NULL, 0};
    s->url = to;
    return OK;
}

static enum err redirect(struct git_smart *s)
{
    struct slice tails[] = {SLICE("info/refs?service=" SERVICE),
                            SLICE("info/refs&service=" SERVICE)};
    const struct slice *location = http_response_field(&s->http.response, SLICE("location"));
    if (s->post || !location)
        return fail(s, ERR_UNSUPPORTED, "the remote answered with a redirect that leads nowhere");
    if (s->redirects++ == GIT_REDIRECTS_MAX)
        return fail(s, ERR_LIMIT, "the remote redirects more than 5 times");
    struct buf text;
    buf_init(&text, GIT_URL_MAX + 64);
    put_location(s, &text, *location);
    struct slice base = buf_slice(&text);
    size_t tail = slice_ends(base, tails[0]) ? 0 : 1;
    if (text.err || !slice_ends(base, tails[tail])) {
        buf_deinit(&text);
        return fail(s, ERR_UNSUPPORTED, "the remote redirects to a place that is no repository");
    }
    enum err e = move_to(s, slice_take(base, base.len - tails[tail].len));
    buf_deinit(e == OK ? &s->moved : &text); /* whichever s->url is not in */
    if (e == OK)
        s->moved = text;
    return e;
}

/* --- Responses ------------------------------------------------------------------------------ */

static enum err refused(struct git_smart *s, uint16_t status)
{
    format_text(s->line, sizeof(s->line), "the remote answered %u", (unsigned int)status);
    if (status == 401)
        return fail(s, ERR_DENIED,
                    is_named(s)         ? "the remote does not accept the name and password (401)"
                    : s->secret.len > 0 ? "the remote does not accept the token (401)"
                                        : "the remote asks for a name and a password (401)");
    if (status == 403)
        return fail(s, ERR_DENIED, "the remote does not permit it (403)");
    if (status == 404 || status == 410)
        return fail(s, ERR_NOT_FOUND, "the remote has no such repository (404)");
    return status >= 500 ? ERR_IO : ERR_UNSUPPORTED;
}

static bool content_type_is(const struct git_smart *s, struct slice wanted)
{
    struct slice type, parameters;
    const struct slice *field = http_response_field(&s->http.response, SLICE("content-type"));
    if (!field)
        return false;
    slice_cut(*field, ';', &type, &parameters);
    return slice_equal_nocase(slice_trim(type), wanted);
}

static enum err check_head(struct git_smart *s)
{
    const struct http_response *r = &s->http.response;
    const struct slice *coding = http_response_field(r, SLICE("content-encoding"));
    if (r->status != 200)
        return refused(s, r->status);
    if (!content_type_is(s, s->post ? SLICE("application/x-" SERVICE "-result")
                                    : SLICE("application/x-" SERVICE "-advertisement")))
        return fail(s, ERR_UNSUPPORTED,
                    s->post ? "the remote's answer is not of git's HTTP protocol"
                            : "there is no git repository, or not with git's smart HTTP protocol");
    if (coding && !slice_equal_nocase(*coding, SLICE("identity")))
        return fail(s, ERR_UNSUPPORTED, "the remote's answer has a content coding, unasked");
    return OK;
}

static bool is_redirect(uint16_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static enum err http_failed(struct git_smart *s, enum err why)
{
    return fail(s, why,
                why == ERR_LIMIT    ? "the remote's HTTP response is too large"
                : why == ERR_MEMORY ? "no memory for an HTTP response"
                                    : "the remote's answer is not HTTP/1.1 as it should be");
}

enum err git_smart_next(struct git_smart *s, struct slice *in, struct git_smart_event *event)
{
    struct http_client_event e;
    enum err why = http_client_next(&s->http, in, &e);
    if (why)
        return why == ERR_AGAIN ? why : http_failed(s, why);
    event->bytes = e.bytes;
    event->what = e.what == HTTP_CLIENT_BODY ? GIT_SMART_BODY : GIT_SMART_END;
    if (e.what != HTTP_CLIENT_HEAD)
        return OK;
    if (is_redirect(s->http.response.status)) {
        event->what = GIT_SMART_REDIRECT;
        return redirect(s);
    }
    why = check_head(s);
    return why ? why : git_smart_next(s, in, event);
}

enum err git_smart_eof(struct git_smart *s)
{
    enum err why = http_client_eof(&s->http);
    if (why == ERR_CLOSED)
        return fail(s, why, "the remote ended the connection without an answer");
    return why ? fail(s, why, "the remote ended the connection within its answer") : OK;
}

bool git_smart_keeps(const struct git_smart *s)
{
    return s->http.response.keep_alive;
}
