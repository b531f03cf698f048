/*
 * A place that exists in a test only: time that jumps, randomness from a seed, memory that counts
 * and refuses on demand, a console that is read back. With platform/sim/net.h a whole program runs
 * in one process, the same way every time for the same seed.
 */
#ifndef PLATFORM_SIM_SIM_H
#define PLATFORM_SIM_SIM_H

#include "runtime/slice.h"

/* Starts over: clock, entropy, console and failure plans as at the program's start. Memory in use,
 * timers and networks are their owners' to give back. */
void sim_reset(uint64_t seed);

/* --- time --- */

/* The monotonic clock stands still while handlers run; wait_until lets it jump. */
void sim_clock_advance(uint64_t ns);
void sim_clock_set_wall(int64_t ns); /* the wall clock goes on from here */

/* --- console --- */

#define SIM_CONSOLE_MAX ((size_t)4 << 20) /* older text is dropped beyond */

/* What was written since the last clearing; valid until the next write. */
struct slice sim_console(void);
void sim_console_clear(void);
void sim_console_echo(bool on); /* also to the test's stderr */

/* --- memory --- */

/* One plan at a time: the next call replaces it, and requests (alloc, zalloc, resize) are counted
 * from then on. 0: no failures. */
void sim_memory_fail_nth(uint64_t nth);
void sim_memory_fail_every(uint64_t every);
void sim_memory_limit(uint64_t bytes); /* refuses what would put more in use; 0: no limit */
uint64_t sim_memory_requests(void);

/* --- randomness --- */

/* A generator of its own for a test or a link: xoshiro256**, fit for simulation only. */
struct sim_random {
    uint64_t s[4];
};
void sim_random_seed(struct sim_random *r, uint64_t seed);
uint64_t sim_random_next(struct sim_random *r);
/* Evenly from low..high, both included. */
uint64_t sim_random_range(struct sim_random *r, uint64_t low, uint64_t high);
/* True in `percent` of 100 cases. */
bool sim_random_chance(struct sim_random *r, unsigned percent);

/* --- events --- */

/* Something that the simulated place does at a time, between the program's handlers. */
struct sim_event {
    void (*happen)(struct sim_event *);
    uint64_t at;
    uint64_t order; /* events at the same time happen in the order of scheduling */
    struct sim_event *child, *next, *prev;
    bool scheduled;
};
void sim_event_schedule(struct sim_event *e, uint64_t at);
void sim_event_cancel(struct sim_event *e);

/* Runs the loop until done(arg) or until virtual time reaches deadline: true when done. NULL: until
 * the deadline. */
bool sim_run(bool (*done)(void *arg), void *arg, uint64_t deadline);

#endif
