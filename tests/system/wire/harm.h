/*
 * What a wire does to a frame: decided by a seed and by how many frames went before, and by nothing
 * else, so that two runs with one seed lose the same frames.
 */
#ifndef TESTS_SYSTEM_WIRE_HARM_H
#define TESTS_SYSTEM_WIRE_HARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same for both directions. Shares are 0..1, times in ns. */
struct harm {
    double loss;  /* of all frames */
    double burst; /* frames that are lost in a row, in the mean; below 1: each for itself */
    double duplicate;
    double reorder; /* of all frames: they come `late`, after those that followed them */
    double corrupt; /* one bit behind the Ethernet header is another */
    uint64_t late;
    uint64_t delay;  /* one way */
    uint64_t jitter; /* up to so much more or less; the order is kept */
    uint64_t rate;   /* bits a second; 0: as they come */
    uint64_t queue;  /* bytes that wait for the rate; what comes then is dropped */
    uint32_t mtu;    /* larger packets vanish without a word; 0: all fit */
};

struct fate {
    bool lost, duplicated, reordered, corrupted;
    uint64_t bit;    /* which one, of those behind the Ethernet header, modulo their count */
    uint64_t jitter; /* 0..2 * harm.jitter */
};

/* One direction's dice. */
struct dice {
    uint64_t state;
    bool in_burst;
};

/* Every frame takes the same number of throws, whatever becomes of it. */
struct fate harm_next(const struct harm *h, struct dice *d);

#endif
