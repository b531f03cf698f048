/* See url.h. */
#include "lib/text/url.h"

struct slice url_host(struct slice url)
{
    size_t scheme = slice_search(url, SLICE("://"));
    struct slice host = slice_drop(url, scheme + 3), user, rest;
    for (size_t i = 0; i < host.len; i++)
        if (strchr("/?#", host.ptr[i]))
            host = slice_take(host, i);
    if (slice_cut(host, '@', &user, &rest))
        host = rest;
    if (slice_starts(host, SLICE("[")))
        return slice_drop(slice_take(host, slice_find(host, ']')), 1);
    return slice_take(host, slice_find(host, ':'));
}
