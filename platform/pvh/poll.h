/* What the loop asks when it comes round: drivers, each once. */
#ifndef PLATFORM_PVH_POLL_H
#define PLATFORM_PVH_POLL_H

#include <stdbool.h>

struct poll {
    /* Delivers what its device has, a bounded part of it. True: there was something, so that the loop comes round
     * before it sleeps: whoever was told of it may have set a timer, or posted a task. */
    bool (*run)(struct poll *p);
    /* Asks its device for an interrupt when there is something. True: there is something already. */
    bool (*await)(struct poll *p);
    struct poll *next;
};

void poll_add(struct poll *p);

#endif
