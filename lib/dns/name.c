/* See name.h. */
#include "lib/dns/name.h"

#define LABEL_MAX 63u
#define POINTER   0xc0u
#define JUMPS_MAX 64u /* within one name; servers make one, or two */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static bool is_host_character(uint8_t c)
{
    uint8_t letter = lower(c);
    return (letter >= 'a' && letter <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool put_label(struct dns_name *n, struct slice label)
{
    if (label.len > LABEL_MAX || n->len + label.len + 1 > DNS_NAME_MAX)
        return false;
    n->bytes[n->len] = (uint8_t)label.len;
    if (label.len)
        memcpy(n->bytes + n->len + 1, label.ptr, label.len);
    n->len = (uint8_t)(n->len + label.len + 1);
    return true;
}

bool dns_name_of(struct slice text, struct dns_name *into)
{
    struct slice label;
    into->len = 0;
    if (slice_ends(text, SLICE(".")))
        text.len--;
    if (text.len == 0 || text.ptr[text.len - 1] == '.')
        return false;
    while (text.len) {
        slice_cut(text, '.', &label, &text);
        if (label.len == 0 || !put_label(into, label))
            return false;
        for (size_t i = 0; i < label.len; i++)
            if (!is_host_character(label.ptr[i]))
                return false;
    }
    return put_label(into, slice_of(NULL, 0));
}

/* Where a pointer leads: only to what stands before all that was read of this name, so that no
 * chain of them goes on for ever. */
static bool follow(struct reader *r, uint8_t high, size_t *before)
{
    size_t to = (size_t)(high & 0x3f) << 8 | read_u8(r);
    if (r->bad || to >= *before)
        return false;
    *before = to;
    return true;
}

void dns_name_read(struct reader *r, struct slice message, struct dns_name *into)
{
    struct reader at = *r;
    size_t before = message.len - r->rest.len;
    unsigned jumps = 0;
    into->len = 0;
    for (;;) {
        uint8_t len = read_u8(&at);
        if (at.bad)
            break;
        if ((len & POINTER) == POINTER) {
            if (jumps == JUMPS_MAX || !follow(&at, len, &before))
                break;
            if (jumps++ == 0)
                *r = at;
            at = reader_of(slice_drop(message, before));
            continue;
        }
        struct slice label = read_bytes(&at, len); /* at most 255: put_label refuses beyond 63 */
        if (at.bad || !put_label(into, label))
            break;
        if (len == 0) {
            if (jumps == 0)
                *r = at;
            return;
        }
    }
    into->len = 0;
    r->bad = true;
}

bool dns_name_equal(const struct dns_name *a, const struct dns_name *b)
{
    return slice_equal_nocase(slice_of(a->bytes, a->len), slice_of(b->bytes, b->len));
}

void dns_name_lower(struct dns_name *n)
{
    for (size_t i = 0; i < n->len; i++)
        n->bytes[i] = lower(n->bytes[i]);
}
