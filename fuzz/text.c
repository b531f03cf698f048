/* Paths, escaping and dates: what comes out keeps its promises, whatever goes in. */
#include <stdlib.h>

#include "lib/date/http.h"
#include "lib/text/html.h"
#include "lib/text/percent.h"
#include "lib/text/utf8.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_path(slice_of(data, size));
    check_html(slice_of(data, size));
    check_date(slice_of(data, size));
    return 0;
}
