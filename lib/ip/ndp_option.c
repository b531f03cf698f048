/* Options of NDP messages: see ndp.h. */
#include "lib/ip/ndp.h"

#include "runtime/reader.h"

bool ndp_option(struct slice *rest, uint8_t *type, struct slice *body)
{
    struct reader r = reader_of(*rest);
    *type = read_u8(&r);
    size_t length = read_u8(&r) * (size_t)8;
    if (r.bad || length == 0)
        return false;
    *body = read_bytes(&r, length - 2);
    *rest = r.rest;
    return !r.bad;
}

bool ndp_options_good(struct slice options)
{
    uint8_t type;
    struct slice body;
    size_t n = 0;
    while (options.len > 0)
        if (++n > NDP_OPTIONS_MAX || !ndp_option(&options, &type, &body))
            return false;
    return true;
}

struct slice ndp_option_find(struct slice options, uint8_t type)
{
    uint8_t found;
    struct slice body;
    while (ndp_option(&options, &found, &body))
        if (found == type)
            return body;
    return slice_of(NULL, 0);
}

bool ndp_station(struct slice options, uint8_t type, struct mac *into)
{
    struct slice body = ndp_option_find(options, type);
    if (body.len != sizeof(into->bytes))
        return false;
    memcpy(into->bytes, body.ptr, sizeof(into->bytes));
    return !mac_is_group(*into) && !mac_is_zero(*into);
}
