/*
 * The front half of a paravirtual device, as the store tells of it (xen/io/xenbus.h: states; docs/misc/
 * xenstore-paths.pandoc: device/CLASS/NUMBER and the backend's folder that it names).
 *
 * One core for all classes: it looks what the nodes say, sets the device up when the backend is ready,
 * takes it down when that goes, and starts again when another comes. Nodes may be missing, of the wrong
 * kind, or change while they are read: whatever changes has all of them read again. A backend that does
 * not get ready within FRONT_DEADLINE is told goodbye, and asked again.
 */
#ifndef PLATFORM_XEN_FRONT_H
#define PLATFORM_XEN_FRONT_H

#include "platform/xen/store.h"

#define FRONT_KEYS_MAX 8u
#define FRONT_ASKS_MAX 16u /* questions at once */
#define FRONT_TEXT_MAX 40u /* bytes of a name or value, with its NUL */
#define FRONT_DEADLINE (10 * CLOCK_SEC)
#define FRONT_PAUSE    CLOCK_SEC /* after a fault, before it is started again */

struct front;

struct front_kind {
    const char *class;             /* "vif" */
    const char *const *front_keys; /* nodes beside our own state that are read; NULL ends them */
    const char *const *back_keys;  /* nodes of the backend that are read */
    enum xenbus_state published;   /* what we are when our half is set up */
    /* Sets our half up, and tells of it by front_tell. False: it cannot (said so). */
    bool (*connect)(struct front *f);
    void (*connected)(struct front *f);
    void (*disconnect)(struct front *f); /* undoes connect */
};

/* A question of ours to the store. */
struct front_ask {
    struct store_request request;
    struct front *front;
    char path[STORE_PATH_MAX], value[FRONT_TEXT_MAX];
    char *into; /* of a read: where its answer goes, as text; empty: there is none */
    size_t size;
};

struct front {
    const struct front_kind *kind;
    struct store *store;
    uint64_t (*now)(void);
    uint32_t number;
    uint16_t domain;  /* of the backend */
    bool present;     /* the store knows of the device */
    bool looked;      /* it has been read at least once */
    bool linked;      /* our half is set up */
    bool up;          /* both are */
    bool dirty;       /* something has changed since reading began */
    bool unreachable; /* the store did not answer */
    bool pauses;      /* until its deadline, and has said why */
    bool watched, back_watched;
    enum xenbus_state backend_state, said;
    uint64_t deadline;
    /* As the store has them: empty, where it has none, or nothing that fits. */
    char backend[STORE_PATH_MAX - FRONT_TEXT_MAX], new_backend[STORE_PATH_MAX - FRONT_TEXT_MAX];
    char domain_text[FRONT_TEXT_MAX], state_text[FRONT_TEXT_MAX], online_text[FRONT_TEXT_MAX];
    char front_values[FRONT_KEYS_MAX][FRONT_TEXT_MAX];
    char back_values[FRONT_KEYS_MAX][FRONT_TEXT_MAX];
    struct front_ask asks[FRONT_ASKS_MAX];
    unsigned ask_count, answers;
    void (*then)(struct front *f); /* when all are answered; NULL: nothing is under way */
    struct store_watch watch, back_watch;
    struct {
        uint64_t connects, disconnects, late, malformed;
    } counters;
};

/* Begins to look. now: monotonic nanoseconds. */
void front_open(struct front *f, const struct front_kind *kind, struct store *s, uint32_t number,
                uint64_t (*now)(void));

/* Takes our half down, and asks nothing any more: its memory is its owner's again. */
void front_close(struct front *f);

/* Begins again with a store that knows nothing of us (a restored domain): our half is taken down. */
void front_restart(struct front *f);

/* What has passed its deadline. UINT64_MAX of front_deadline: nothing can, or not before the store has answered. */
void front_expire(struct front *f);
static inline uint64_t front_deadline(const struct front *f)
{
    return f->then ? UINT64_MAX : f->deadline;
}

/* A value as a number: absent or none, it is `otherwise` (the latter is counted). */
uint64_t front_number(struct front *f, const char *value, uint64_t max, uint64_t otherwise);

/* From `connect`: a node of ours that the backend needs. */
void front_tell(struct front *f, const char *name, uint64_t value);
void front_tell_text(struct front *f, const char *name, const char *value);

/* The device's own fault: takes our half down, and begins again. */
void front_fail(struct front *f, const char *why);

#endif
