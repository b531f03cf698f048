/*
 * What a process waits for: file descriptors, each a source with a handler, and work that was left
 * over from the last round. Private to this platform.
 */
#ifndef PLATFORM_PROCESS_WAIT_H
#define PLATFORM_PROCESS_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* The head of whatever owns a descriptor. `ready` gets the EPOLL* bits; it is called from
 * wait_until only. A source that is given up while events for it may have been fetched already must
 * stay in memory until the next hooks have run. */
struct source {
    void (*ready)(struct source *s, uint32_t events);
};

/* events: EPOLL* bits. False: the kernel has no room. Closing the descriptor removes it. */
bool source_add(int fd, struct source *s, uint32_t events);
bool source_change(int fd, struct source *s, uint32_t events);
void source_remove(int fd);

/* The next wait only looks and does not sleep. */
void wait_not(void);

#endif
