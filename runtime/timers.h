/*
 * Running timers in the order of their deadlines: a heap with four children to a node, which is
 * flatter and kinder to caches than one with two. Private to the loop.
 */
#ifndef RUNTIME_TIMERS_H
#define RUNTIME_TIMERS_H

#include "signatures/timer.h"

/* The timer that is due first, or NULL. */
struct timer *timers_first(void);
uint32_t timers_count(void);

/* From now on an earlier deadline counts as this one. While due timers fire this lies just behind
 * them, so that one that restarts itself for a time gone by cannot keep the others from their turn. */
void timers_floor(uint64_t earliest);

#endif
