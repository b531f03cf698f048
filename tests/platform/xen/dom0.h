/*
 * Dom0, played for the drivers of platform/xen: the store's daemon, and what a device has of its machine
 * (the bus, grants, event channels, memory). Time and console are those of the simulation.
 */
#ifndef TESTS_PLATFORM_XEN_DOM0_H
#define TESTS_PLATFORM_XEN_DOM0_H

#include "platform/pvh/poll.h"
#include "platform/xen/front.h"
#include "platform/xen/grant.h"

#define DOM0_GRANTS GRANTS_MAX

struct dom0 {
    struct store store;
    struct grants grants;
    struct grant_entry_v1 table[DOM0_GRANTS];
    bool silent;           /* the daemon takes questions, and answers none */
    const char *refuses;   /* a node that it does not let the guest write; NULL: none */
    bool no_transactions;  /* the daemon grants none */
    bool restless;         /* something changes in every transaction */
    bool no_memory;        /* of whole pages */
    bool no_channels;      /* Xen has none any more */
    unsigned channels;     /* that are open */
    unsigned pages;        /* that are in use */
    unsigned notified;     /* how often the guest has told somebody */
    char said[2048];       /* what the guest has written, as "path=value;" */
    struct front *front;   /* the device that the bus knows; NULL: none */
    struct poll *poll;     /* of its driver */
    const char *folder;    /* of dom0_begin_device */
    void (*backend)(void); /* its turn, before the guest's; NULL: it does nothing */
};
extern struct dom0 dom0;

/* All as it is before the guest starts: an empty store, nothing granted, nothing said. */
void dom0_begin(void);

/* A node, and who watches it is told at once. NULL: it is taken away. dom0_get: "", where there is none. */
void dom0_set(const char *path, const char *value);
void dom0_set_bytes(const char *path, struct slice value);
const char *dom0_get(const char *path);

/* What a backend that means well does once the guest has written its state: its folder, and that of the device. */
void dom0_follow(const char *device, const char *backend);

/* A device of ours: its folder, and a backend "/b" of domain 3 that means well (dom0_mean_well: its turn). What else
 * there is to read of them comes behind it. */
void dom0_begin_device(const char *folder);
void dom0_mean_well(void);
/* A number that the guest has written into that folder; 0: none. */
uint64_t dom0_told(const char *name);
/* The driver is closed, its memory given back. */
void dom0_end_device(void *device);

/* Answers what the guest asks, one question or all of them. False: there is none. */
bool dom0_answer(void);
void dom0_serve(void);

/* A message of the daemon's, byte by byte; an event for a token. */
void dom0_say(uint32_t type, uint32_t id, struct slice payload);
void dom0_fire(const char *token);

/* A turn of all that there is; and turns until that much time is over. */
void dom0_turn(void);
void dom0_wait(uint64_t ns);

/* Whether the guest has logged a line with these words since the last time that it was asked. */
bool dom0_heard(const char *words);

/* The page that was granted under this number: the backend reaches no other. */
uint8_t *dom0_page(uint64_t number);

#endif
