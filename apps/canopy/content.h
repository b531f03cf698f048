/*
 * Content: the repository in memory, the site made of it, and the cycle that keeps both up to date.
 *
 *     idle -> fetching -> building -> tidying -> idle    (building only if there is something new)
 *
 * What is served is a whole generation; the next one is made beside it, in turns between requests, and swapped in
 * whole. What its pages need besides their bodies is made then, while they are served, and what was served before
 * is given back (tidying). An image that brings its content brings the pages of it as well: they are served from
 * the start, and stand in until the content has been read and its pages have been made. Whatever fails on the way
 * leaves what is served in place, says so in one line, and is tried again later with back-off. Updates that are
 * asked for while one runs become one more.
 */
#ifndef APPS_CANOPY_CONTENT_H
#define APPS_CANOPY_CONTENT_H

#include "apps/canopy/settings.h"
#include "apps/canopy/trust.h"
#include "lib/git/fetch.h"
#include "lib/site/site.h"
#include "lib/store/history.h"
#include "lib/store/store.h"
#include "runtime/list.h"
#include "signatures/stack.h"
#include "signatures/timer.h"

/* Turns: what is done between requests. One object is done whole, with those that it builds on. */
#define CONTENT_TURN_BYTES  (1u << 20)   /* inflated and hashed, or the like: some 5 ms */
#define CONTENT_BUILD_STEP  (256u << 10) /* of input, and of the pages made of it */
#define CONTENT_TIDY_AFTER  (50 * CLOCK_MS)
#define CONTENT_READ_AFTER  (200 * CLOCK_MS) /* of the image's, while its pages stand in */
#define CONTENT_FINISH_STEP (8u << 10)       /* of pages that are served already */
#define CONTENT_FREE_STEP   1024u            /* pages of those that were served before */

#define CONTENT_WORK_BYTES_MAX  (UINT64_C(8) << 30) /* inflated for one pack */
#define CONTENT_CHAIN_BYTES_MAX (UINT64_C(2) << 30) /* of one object with all that it builds on */
#define CONTENT_RETRY_MIN       1 /* seconds until a failed update is tried again */
#define CONTENT_RETRY_MAX       300
#define CONTENT_WAITERS_MAX     64 /* who may wait for an update at once */
#define CONTENT_LINE_MAX        512

enum content_phase { CONTENT_IDLE, CONTENT_FETCHING, CONTENT_BUILDING, CONTENT_TIDYING };

/* Somebody who wants to know how an update ended. Storage is the waiter's, until answer. */
struct content_waiter {
    struct list link;
    void (*answer)(struct content_waiter *w, enum err why);
};

struct content {
    struct stack *stack;
    const struct canopy_settings *settings;
    struct site_options options;
    enum content_phase phase;

    /* What is served: all of it belongs to history.commit; site is NULL before the first. Where the image's
     * pages stand in, there is a site and neither of the others. */
    struct store *store;
    struct history history;
    struct site *site;
    struct site *gone; /* what was served before, as far as it is not given back yet; or NULL */

    /* What is on its way. `incoming` is `store`, or another one that will take its place. */
    struct git_fetch *fetch;
    struct store *incoming;
    struct store_pack *pack;
    struct oid commit;
    struct history next;
    struct site_build *build;
    struct slice bundle; /* in the image, until it is read */
    struct slice baked;  /* what is not taken in yet of the pack in it; ptr NULL: no such pack */
    bool refused;        /* the pack, by the store */
    struct task turn;
    void (*work)(struct content *c); /* what the turn is for */

    struct timer timer; /* the next attempt, the tidying, the reading of the image's; or never */
    uint64_t next_at;   /* monotonic, of the next attempt by itself; 0: none */
    uint32_t failures;  /* in a row */
    bool whole;         /* ask for everything next time: what we have was no base */
    bool again;         /* asked for while an update was running */
    bool stopped;
    struct list waiting;      /* for the update that runs */
    struct list waiting_next; /* for the one after it */
    uint32_t waiters;

    struct trust *trust;     /* in remotes at https:// */
    void (*on_loaded)(void); /* told whenever other content is served from now on */
    uint64_t began;          /* monotonic, of the running update */
    uint64_t progress_said;  /* monotonic, of the last progress line */
    uint64_t updates;
    uint64_t failed;
    int64_t loaded_at;           /* wall clock of the last swap */
    int64_t asked_at;            /* the same of the last question to the remote; 0: none */
    enum err last;               /* how the last update ended */
    char line[CONTENT_LINE_MAX]; /* the same for people */
};

/* What content is made with; all of it lives as long as the content. */
struct content_given {
    struct stack *stack;
    const struct canopy_settings *settings;
    const struct site_asset *assets; /* of the built-in theme */
    size_t asset_count;
    struct slice baked;    /* a git bundle out of the image; empty: nothing */
    struct slice prepared; /* the pages of it (lib/site/print.h); empty: they are not made yet */
    struct trust *trust;
    void (*on_loaded)(void);
};

/* Serves what was prepared, if it fits the settings; loads what was baked in; then asks the remote if there is
 * one. ERR_ARGUMENT where there is neither; the reason is logged. */
enum err content_start(struct content *c, const struct content_given *given);

/* Asks the remote now. w (may be NULL) is answered when an update that began after this call has
 * ended. ERR_FULL: too many wait; the update happens all the same. ERR_NOT_FOUND: there is no
 * remote. ERR_CANCELLED: stopped. */
enum err content_update(struct content *c, struct content_waiter *w);

/* The waiter no longer cares; without effect on one that was answered. */
void content_forget(struct content *c, struct content_waiter *w);

/* Stops whatever runs; waiters are answered ERR_CANCELLED. What is served stays. */
void content_stop(struct content *c);

/* After content_stop: gives back what was served. */
void content_release(struct content *c);

#endif
