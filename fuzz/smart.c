/* Smart HTTP with a server that answers anything, redirects above all: secrets stay at their host. */
#include "lib/git/smart.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first place, to which alone a name and a password are told: over http those of the URL, over
 * https those that were handed in. What began over https stays there. */
static bool secure;

static void check_request(const struct git_smart *s, const struct buf *out)
{
    bool home =
        slice_equal_nocase(s->url.host, SLICE("git.example")) && s->url.port == (secure ? 443 : 80);
    bool told = slice_search(buf_slice(out), SLICE("\r\nAuthorization: ")) < out->len;
    if (!out->err && told && !home)
        abort();
    if (s->url.scheme == GIT_SCHEME_GIT || (secure && s->url.scheme != GIT_SCHEME_HTTPS) ||
        s->redirects > GIT_REDIRECTS_MAX)
        abort();
}

static void ask(struct git_smart *s, enum git_smart_what why, struct buf *out)
{
    buf_clear(out);
    if (why == GIT_SMART_REDIRECT)
        git_smart_get(s, out);
    else
        git_smart_post(s, SLICE("request"), out);
    check_request(s, out);
}

static void answer(struct git_smart *s, struct slice in, size_t piece_size, struct buf *out)
{
    struct git_smart_event event;
    enum err e = ERR_AGAIN;
    while (in.len > 0 && e == ERR_AGAIN) {
        struct slice piece = slice_take(in, piece_size);
        in = slice_drop(in, piece.len);
        while ((e = git_smart_next(s, &piece, &event)) == OK)
            if (event.what != GIT_SMART_BODY)
                ask(s, event.what, out);
    }
    if (e == ERR_AGAIN)
        (void)git_smart_eof(s);
    else if (e != OK && s->line[0] == '\0')
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct git_url url;
    struct git_smart s;
    struct buf out;
    const char *wanted;
    if (size < 2)
        return 0;
    secure = data[0] & 1;
    struct slice text = secure ? SLICE("https://git.example/a") : SLICE("http://n:p@git.example/a");
    if (git_url_parse(text, &url, &wanted))
        return 0;
    buf_init(&out, 1 << 20);
    git_smart_init(&s, &url, SLICE("user"), SLICE("secret"));
    git_smart_get(&s, &out);
    check_request(&s, &out);
    answer(&s, slice_of(data + 1, size - 1), (size_t)data[0] + 1, &out);
    git_smart_deinit(&s);
    buf_deinit(&out);
    return 0;
}
