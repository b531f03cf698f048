/*
 * The DHCP client, led by bytes: messages of a server that knows what was asked (or not), time that
 * passes, a link that comes and goes. Whatever is said, the lease in force is one that can be.
 *
 *     one byte says what: answer with the next bytes as options, raw message, time, link, conflict
 */
#include <stdlib.h>

#include "lib/dhcp/dhcp.h"
#include "runtime/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_up(void *arg, void *into, size_t len)
{
    uint8_t *next = arg;
    for (size_t i = 0; i < len; i++)
        ((uint8_t *)into)[i] = (*next)++;
}

static void check(const struct dhcp *d, const struct dhcp_step *s)
{
    const uint8_t *a = d->lease.address.bytes + 12;
    if (s->len > DHCP_MESSAGE_MAX || (s->len && s->len < 300))
        abort();
    if (d->lease.route_count > DHCP_ROUTES_MAX || d->lease.resolver_count > DHCP_RESOLVERS_MAX)
        abort();
    if (dhcp_has_lease(d) && (a[0] == 0 || a[0] == 127 || a[0] >= 224 || d->lease.prefix > 32))
        abort();
    if (d->hostname[DHCP_HOSTNAME_MAX] != 0)
        abort();
}

/* An answer to what was asked, but for what the input wants otherwise. */
static void answer(struct dhcp *d, uint64_t now, struct slice options, struct dhcp_step *s)
{
    uint8_t bytes[240 + 512] = {2, 1, 6, 0};
    struct reader r = reader_of(options);
    for (unsigned i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(d->xid >> (24 - 8 * i));
    struct slice yours = read_bytes(&r, 4);
    if (!r.bad)
        memcpy(bytes + 16, yours.ptr, 4);
    memcpy(bytes + 28, d->mac, 6);
    memcpy(bytes + 236, "\x63\x82\x53\x63", 4);
    struct slice rest = slice_take(r.rest, 512);
    if (rest.len)
        memcpy(bytes + 240, rest.ptr, rest.len);
    dhcp_input(d, now, slice_of(bytes, 240 + rest.len), s);
}

static void act(struct dhcp *d, uint64_t *now, uint8_t what, struct slice bytes,
                struct dhcp_step *s)
{
    s->len = 0;
    switch (what % 8) {
    case 0:
        dhcp_start(d, *now, s);
        break;
    case 1:
        dhcp_pause(d);
        break;
    case 2:
        dhcp_conflict(d, *now, s);
        break;
    case 3:
        *now = dhcp_deadline(d) == UINT64_MAX ? *now + CLOCK_SEC : dhcp_deadline(d);
        dhcp_expire(d, *now, s);
        break;
    case 4:
        dhcp_input(d, *now, bytes, s);
        break;
    case 5:
        dhcp_release(d, *now, s);
        break;
    default:
        answer(d, *now, bytes, s);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1};
    struct reader r = reader_of(slice_of(data, size));
    struct dhcp d;
    struct dhcp_step s;
    uint8_t random = 1;
    uint64_t now = CLOCK_SEC;
    dhcp_init(&d, mac, SLICE("fuzz"), count_up, &random);
    dhcp_start(&d, now, &s);
    while (r.rest.len && !r.bad) {
        uint8_t what = read_u8(&r);
        struct slice bytes =
            what % 8 < 4 || what % 8 == 5 ? slice_of(NULL, 0) : read_bytes(&r, read_u8(&r));
        act(&d, &now, what, bytes, &s);
        check(&d, &s);
    }
    return 0;
}
