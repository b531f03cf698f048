/*
 * Whether a network device of the host is up and connected, as the kernel reports it (rtnetlink).
 * Private to this platform.
 */
#ifndef PLATFORM_PROCESS_TAP_LINK_H
#define PLATFORM_PROCESS_TAP_LINK_H

#include "platform/process/wait.h"

struct tap_link {
    struct source source;
    int fd;
    unsigned index;
    bool up;
    void (*changed)(void *arg, bool up);
    void *arg;
};

/* Learns how it is, and goes on to watch it. False: errno says why. */
bool tap_link_open(struct tap_link *l, unsigned index, void (*changed)(void *arg, bool up),
                   void *arg);
void tap_link_close(struct tap_link *l);

static inline bool tap_link_up(const struct tap_link *l)
{
    return l->up;
}

#endif
