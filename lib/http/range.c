/* See range.h. */
#include "lib/http/range.h"

/* Digits only; a number that is too large for us is larger than any length. */
static bool number(struct slice digits, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < digits.len; i++) {
        uint8_t digit = (uint8_t)(digits.ptr[i] - '0');
        if (digit > 9)
            return false;
        *value = *value > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *value * 10 + digit;
    }
    return digits.len > 0;
}

/* The last so many bytes. */
static enum http_range suffix(uint64_t wanted, uint64_t length, uint64_t *first, uint64_t *part)
{
    if (wanted == 0)
        return HTTP_RANGE_UNSATISFIABLE;
    if (length == 0)
        return HTTP_RANGE_WHOLE; /* satisfiable, but Content-Range cannot say it */
    *part = wanted < length ? wanted : length;
    *first = length - *part;
    return HTTP_RANGE_PART;
}

enum http_range http_range_read(struct slice value, uint64_t length, uint64_t *first,
                                uint64_t *part_length)
{
    struct slice unit, set, from, to;
    uint64_t last = UINT64_MAX;
    if (!slice_cut(value, '=', &unit, &set) || !slice_equal_nocase(unit, SLICE("bytes")))
        return HTTP_RANGE_WHOLE;
    if (!slice_cut(slice_trim(set), '-', &from, &to))
        return HTTP_RANGE_WHOLE;
    if (to.len > 0 && !number(to, &last))
        return HTTP_RANGE_WHOLE; /* also: a comma, and with it several ranges */
    if (from.len == 0)
        return to.len > 0 ? suffix(last, length, first, part_length) : HTTP_RANGE_WHOLE;
    if (!number(from, first) || *first > last)
        return HTTP_RANGE_WHOLE;
    if (*first >= length)
        return HTTP_RANGE_UNSATISFIABLE;
    *part_length = (last < length ? last + 1 : length) - *first;
    return HTTP_RANGE_PART;
}
