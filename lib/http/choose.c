/* Preconditions in the order of RFC 9110, 13.2.2, for a resource that exists; see choose.h. */
#include "lib/http/choose.h"

#include "lib/date/http.h"
#include "lib/http/range.h"

/* Takes the next entity tag off a list: its opaque part, with quotes. False at the end, or where
 * the list is malformed. */
static bool next_tag(struct slice *list, struct slice *tag, bool *weak)
{
    while (list->len > 0 && strchr(" \t,", list->ptr[0]) != NULL && list->ptr[0] != 0)
        *list = slice_drop(*list, 1);
    *weak = slice_starts(*list, SLICE("W/"));
    if (*weak)
        *list = slice_drop(*list, 2);
    if (!slice_starts(*list, SLICE("\"")))
        return false;
    size_t inside = slice_find(slice_drop(*list, 1), '"');
    if (inside + 2 > list->len)
        return false;
    *tag = slice_take(*list, inside + 2);
    *list = slice_drop(*list, inside + 2);
    return true;
}

/* Whether the tag is named by any field of this name. Ours is strong; in a strong comparison a weak
 * one of theirs is none (8.8.3.2). */
static bool names_tag(const struct http_request *request, struct slice field, struct slice etag,
                      bool strong)
{
    uint32_t at = 0;
    const struct slice *value;
    while ((value = http_field_next(request, field, &at)) != NULL) {
        if (slice_equal(*value, SLICE("*")))
            return true;
        struct slice list = *value, tag;
        bool weak;
        while (next_tag(&list, &tag, &weak))
            if (slice_equal(tag, etag) && !(weak && strong))
                return true;
    }
    return false;
}

/* The date of a field, if there is one (several are ignored: 13.1.3 and 13.1.4), and the resource
 * has one to compare it with. */
static bool date_of(const struct http_request *request, struct slice field,
                    const struct http_resource *resource, int64_t now, int64_t *date)
{
    const struct slice *value = http_field_only(request, field);
    return value != NULL && resource->modified != 0 && date_http_parse(*value, now, date);
}

/* 200: go on. */
static uint16_t preconditions(const struct http_request *request,
                              const struct http_resource *resource, struct slice etag, int64_t now)
{
    int64_t date;
    if (http_field(request, SLICE("if-match")) != NULL) {
        if (!names_tag(request, SLICE("if-match"), etag, true))
            return 412;
    } else if (date_of(request, SLICE("if-unmodified-since"), resource, now, &date)) {
        if (resource->modified > date)
            return 412;
    }
    if (http_field(request, SLICE("if-none-match")) != NULL) {
        if (names_tag(request, SLICE("if-none-match"), etag, false))
            return 304;
    } else if (date_of(request, SLICE("if-modified-since"), resource, now, &date)) {
        if (resource->modified <= date)
            return 304;
    }
    return 200;
}

/* If-Range (13.1.5): the part only of what the client has the other parts of. A date is none that
 * proves it (8.8.2.2): two versions may bear the same. */
static bool same_as_before(const struct http_request *request, const struct http_resource *resource)
{
    if (http_field(request, SLICE("if-range")) == NULL)
        return true;
    const struct slice *value = http_field_only(request, SLICE("if-range"));
    return value != NULL && slice_equal(*value, resource->etag);
}

struct http_choice http_choose(const struct http_request *request,
                               const struct http_resource *resource, int64_t now)
{
    const struct slice *range = NULL;
    if (resource->ranges && request->method == HTTP_GET)
        range = http_field_only(request, SLICE("range"));
    bool gzip = range == NULL && resource->gzip_etag.len > 0 && http_accepts_gzip(request);
    struct http_choice choice = {.gzip = gzip, .length = resource->length};
    choice.status =
        preconditions(request, resource, gzip ? resource->gzip_etag : resource->etag, now);
    if (choice.status != 200 || range == NULL || !same_as_before(request, resource))
        return choice;
    uint64_t first = 0, length = 0;
    switch (http_range_read(*range, resource->length, &first, &length)) {
    case HTTP_RANGE_WHOLE:
        return choice;
    case HTTP_RANGE_PART:
        choice.status = 206;
        choice.first = first;
        choice.length = length;
        return choice;
    case HTTP_RANGE_UNSATISFIABLE:
        break;
    }
    choice.status = 416;
    return choice;
}
