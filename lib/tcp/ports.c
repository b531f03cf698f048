/* See ports.h. */
#include "lib/tcp/ports.h"

#define COUNT (TCP_PORT_LAST - TCP_PORT_FIRST + 1)

bool tcp_ports_draw(struct tcp_ports *p, struct tcp_tuple *tuple,
                    bool (*is_free)(void *arg, const struct tcp_tuple *tuple), void *arg)
{
    tuple->local_port = 0;
    struct slice said = slice_of(tuple, sizeof *tuple);
    uint32_t offset = (uint32_t)siphash(p->offset, said);
    uint32_t *counter = &p->counters[siphash(p->counter, said) % TCP_PORT_COUNTERS];
    for (uint32_t i = 0; i < TCP_PORTS_TRIED; i++) {
        uint32_t at = (offset + (*counter)++) % COUNT;
        tuple->local_port = (uint16_t)(TCP_PORT_FIRST + at);
        if (is_free(arg, tuple))
            return true;
    }
    return false;
}
