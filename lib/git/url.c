/* Remote URLs: see url.h. */
#include "lib/git/url.h"

#include "lib/git/fetch.h"
#include "runtime/address.h"

struct scheme {
    struct slice prefix;
    enum git_scheme scheme;
    uint16_t port;
};

static const struct scheme schemes[] = {
    {SLICE_INIT("git://"), GIT_SCHEME_GIT, 9418},
    {SLICE_INIT("http://"), GIT_SCHEME_HTTP, 80},
    {SLICE_INIT("https://"), GIT_SCHEME_HTTPS, 443},
};

static const struct scheme *find_scheme(struct slice text)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (slice_equal_nocase(slice_take(text, schemes[i].prefix.len), schemes[i].prefix))
            return &schemes[i];
    return NULL;
}

static bool decoded_byte(struct slice part, size_t at, uint8_t *byte, size_t *taken)
{
    *byte = part.ptr[at];
    *taken = 1;
    if (*byte != '%')
        return true;
    uint64_t value;
    struct slice digits = slice_take(slice_drop(part, at + 1), 2);
    if (digits.len != 2 || !slice_hex(digits, 255, &value))
        return false;
    *byte = (uint8_t)value;
    *taken = 3;
    return true;
}

/* Well encoded, and without control bytes, plain or encoded. */
static bool encoding_ok(struct slice part)
{
    uint8_t byte;
    size_t taken;
    for (size_t at = 0; at < part.len; at += taken)
        if (!decoded_byte(part, at, &byte, &taken) || byte < 0x20 || byte == 0x7f)
            return false;
    return true;
}

void git_url_put_decoded(struct buf *b, struct slice part)
{
    uint8_t byte;
    size_t taken;
    for (size_t at = 0; at < part.len; at += taken) {
        if (!decoded_byte(part, at, &byte, &taken))
            return;
        buf_byte(b, byte);
    }
}

/* The characters of a host name; what else a name may hold is the resolver's matter. */
static bool host_name_ok(struct slice host)
{
    for (size_t i = 0; i < host.len; i++) {
        uint8_t c = host.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '_')
            return false;
    }
    return host.len > 0 && host.len <= RESOLVE_NAME_MAX;
}

static bool split_host(struct slice authority, struct git_url *into, struct slice *port)
{
    if (!slice_starts(authority, SLICE("["))) {
        slice_cut(authority, ':', &into->host, port);
        return host_name_ok(into->host);
    }
    struct address six;
    struct slice rest;
    if (!slice_cut(slice_drop(authority, 1), ']', &into->host, &rest))
        return false;
    *port = slice_drop(rest, 1);
    return (rest.len == 0 || rest.ptr[0] == ':') && slice_find(into->host, ':') < into->host.len &&
           address_parse(into->host, &six);
}

static const char *parse_port(struct slice text, struct git_url *into)
{
    uint64_t value;
    if (text.len == 0)
        return NULL;
    if (!slice_decimal(text, UINT16_MAX, &value) || value == 0)
        return "a URL with a port from 1 to 65535";
    into->port = (uint16_t)value;
    return NULL;
}

/* [NAME[:PASSWORD]@]HOST[:PORT] */
static const char *parse_authority(struct slice text, struct git_url *into)
{
    struct slice port = {NULL, 0}, person;
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != '@')
        at--;
    if (at > 0) {
        person = slice_take(text, at - 1);
        slice_cut(person, ':', &into->user, &into->password);
        if (into->scheme == GIT_SCHEME_GIT)
            return "a URL without name and password (git:// knows none)";
        if (!encoding_ok(person))
            return "a URL with a name and password that are well percent-encoded";
    }
    if (!split_host(slice_drop(text, at), into, &port))
        return "a URL whose host is a name, an IPv4 address, or an IPv6 address in brackets";
    return parse_port(port, into);
}

static const char *parse_path(struct slice path, struct git_url *into)
{
    if (path.len == 0)
        return "a URL with the path of a repository";
    if (!encoding_ok(path))
        return "a URL with a path that is well percent-encoded, without control characters";
    while (into->scheme != GIT_SCHEME_GIT && slice_ends(path, SLICE("/")))
        path = slice_take(path, path.len - 1);
    into->path = path;
    return NULL;
}

static bool ref_byte_ok(uint8_t c, uint8_t before)
{
    return c > 0x20 && c != 0x7f && !(strchr("~^:?*[\\", c)) && !(c == '.' && before == '.') &&
           !(c == '{' && before == '@') && !(before == '/' && (c == '/' || c == '.'));
}

bool git_ref_name_ok(struct slice name)
{
    uint8_t before = '/';
    for (size_t i = 0; i < name.len; before = name.ptr[i++])
        if (!ref_byte_ok(name.ptr[i], before))
            return false;
    return name.len > 0 && name.len <= GIT_REF_NAME_MAX && before != '/' && before != '.' &&
           !slice_ends(name, SLICE(".lock")) && slice_search(name, SLICE(".lock/")) == name.len;
}

static bool plain_text(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] <= 0x20 || text.ptr[i] == 0x7f)
            return false;
    return true;
}

static const char *parse(struct slice text, struct git_url *into)
{
    const struct scheme *scheme = find_scheme(text);
    if (!scheme)
        return "a URL that starts with git://, http:// or https://";
    if (!plain_text(text))
        return "a URL without spaces and control characters (write %20 for a space)";
    into->scheme = scheme->scheme;
    into->port = scheme->port;
    slice_cut(slice_drop(text, scheme->prefix.len), '#', &text, &into->branch);
    size_t authority = slice_find(text, '/');
    const char *why = parse_authority(slice_take(text, authority), into);
    if (!why)
        why = parse_path(slice_drop(text, authority), into);
    if (!why && into->branch.len > 0 &&
        (!git_ref_name_ok(into->branch) || into->branch.len > GIT_BRANCH_MAX))
        why = "a URL with the name of a branch or tag after #";
    return why;
}

enum err git_url_parse(struct slice text, struct git_url *into, const char **wanted)
{
    *into = (struct git_url){0};
    *wanted = text.len > GIT_URL_MAX ? "a URL of at most 2048 bytes" : parse(text, into);
    if (!*wanted)
        return OK;
    return text.len > GIT_URL_MAX ? ERR_LIMIT : ERR_ARGUMENT;
}

void git_url_put_authority(struct buf *b, const struct git_url *u)
{
    bool six = slice_find(u->host, ':') < u->host.len;
    buf_printf(b, six ? "[%.*s]" : "%.*s", SLICE_ARG(u->host));
    if (u->port != schemes[u->scheme].port)
        buf_printf(b, ":%u", (unsigned int)u->port);
}

void git_url_put(struct buf *b, const struct git_url *u)
{
    buf_put(b, schemes[u->scheme].prefix);
    git_url_put_authority(b, u);
    buf_put(b, u->path);
}
