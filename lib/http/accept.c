/* Accept-Encoding (RFC 9110, 12.5.3). Weights are counted in thousandths. */
#include "lib/http/choose.h"

#define NOT_LISTED (-1)

/* 0 to 1000, or 0 for what is no qvalue (12.4.2): then the coding is not wanted. */
static int weight(struct slice text)
{
    uint64_t thousandths = 0;
    if (text.len == 0 || text.len > 5 || (text.len > 1 && text.ptr[1] != '.'))
        return 0;
    if (text.ptr[0] == '1')
        thousandths = 1000;
    else if (text.ptr[0] != '0')
        return 0;
    uint32_t unit = 100;
    for (size_t i = 2; i < text.len; i++, unit /= 10) {
        uint8_t digit = (uint8_t)(text.ptr[i] - '0');
        if (digit > 9)
            return 0;
        thousandths += digit * unit;
    }
    return thousandths <= 1000 ? (int)thousandths : 0;
}

/* coding [ OWS ";" OWS "q=" qvalue ] */
static void read_element(struct slice element, struct slice *coding, int *q)
{
    struct slice parameter;
    bool weighed = slice_cut(element, ';', coding, &parameter);
    *coding = slice_trim(*coding);
    parameter = slice_trim(parameter);
    *q = 1000;
    if (weighed)
        *q = slice_equal_nocase(slice_take(parameter, 2), SLICE("q="))
                 ? weight(slice_drop(parameter, 2))
                 : 0;
}

bool http_accepts_gzip(const struct http_request *request)
{
    int gzip = NOT_LISTED, identity = NOT_LISTED, any = NOT_LISTED;
    uint32_t at = 0;
    const struct slice *value;
    while ((value = http_field_next(request, SLICE("accept-encoding"), &at)) != NULL) {
        struct slice list = *value;
        for (bool more = true; more;) {
            struct slice element, rest, coding;
            int q;
            more = slice_cut(list, ',', &element, &rest);
            read_element(element, &coding, &q);
            if (slice_equal_nocase(coding, SLICE("gzip")) ||
                slice_equal_nocase(coding, SLICE("x-gzip")))
                gzip = q;
            else if (slice_equal_nocase(coding, SLICE("identity")))
                identity = q;
            else if (slice_equal(coding, SLICE("*")))
                any = q;
            list = rest;
        }
    }
    if (gzip == NOT_LISTED)
        gzip = any;
    if (identity == NOT_LISTED)
        identity = any;
    return gzip > 0 && gzip >= identity;
}
