/* Paths, escaping, dates, addresses and URLs: what comes out keeps its promises, whatever goes in. */
#include <stdlib.h>

#include "lib/date/http.h"
#include "lib/git/url.h"
#include "lib/text/html.h"
#include "lib/text/percent.h"
#include "lib/text/url.h"
#include "lib/text/utf8.h"
#include "runtime/address.h"
#include "runtime/panic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_path(struct slice path)
{
    struct buf scratch, link, again;
    struct slice decoded, back;
    buf_init(&scratch, SIZE_MAX);
    buf_init(&link, SIZE_MAX);
    buf_init(&again, SIZE_MAX);
    if (percent_decode_path(path, &scratch, &decoded) == OK) {
        assert_always(utf8_valid(decoded));
        assert_always(decoded.len == 0 || memchr(decoded.ptr, 0, decoded.len) == NULL);
        assert_always(slice_search(decoded, SLICE("/../")) == decoded.len);
        percent_encode_path(&link, decoded);
        assert_always(percent_decode_path(buf_slice(&link), &again, &back) == OK);
        assert_always(slice_equal(back, decoded));
    }
    buf_deinit(&scratch);
    buf_deinit(&link);
    buf_deinit(&again);
}

static void check_html(struct slice text)
{
    struct buf b;
    buf_init(&b, SIZE_MAX);
    html_escape_attribute(&b, text);
    struct slice out = buf_slice(&b);
    assert_always(utf8_valid(out));
    for (size_t i = 0; i < out.len; i++)
        assert_always(out.ptr[i] >= 0x20 && !strchr("<>\"'", out.ptr[i]));
    buf_deinit(&b);
}

static void check_date(struct slice text)
{
    int64_t seconds, again;
    char formatted[DATE_HTTP_LEN + 1];
    if (!date_http_parse(text, 1795402800, &seconds))
        return;
    date_http_format(seconds, formatted);
    assert_always(date_http_parse(slice_text(formatted), 1795402800, &again) && again == seconds);
}

/* One text for each address. */
static void check_address(struct slice text)
{
    struct address a, again;
    char formatted[ADDRESS_TEXT_MAX];
    if (!address_parse(text, &a))
        return;
    address_format(a, formatted);
    assert_always(address_parse(slice_text(formatted), &again));
    assert_always(memcmp(&a, &again, sizeof a) == 0);
}

/* What is shown of a URL is the same place, without name, password and branch. */
static void check_url(struct slice text)
{
    struct git_url u, again;
    const char *wanted;
    struct buf shown;
    if (git_url_parse(text, &u, &wanted) != OK) {
        assert_always(wanted != NULL);
        return;
    }
    buf_init(&shown, SIZE_MAX);
    git_url_put(&shown, &u);
    if (u.path.len == 0) /* a repository that is all of its host: its slash was one at the end */
        buf_byte(&shown, '/');
    assert_always(git_url_parse(buf_slice(&shown), &again, &wanted) == OK);
    assert_always(again.user.len + again.password.len + again.branch.len == 0);
    assert_always(u.scheme == again.scheme && u.port == again.port);
    assert_always(slice_equal(u.host, again.host) && slice_equal(u.path, again.path));
    assert_always(slice_equal(url_host(buf_slice(&shown)), u.host));
    buf_deinit(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_path(slice_of(data, size));
    check_html(slice_of(data, size));
    check_date(slice_of(data, size));
    check_address(slice_of(data, size));
    check_url(slice_of(data, size));
    return 0;
}
