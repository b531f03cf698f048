/* What the files of the simulation share among themselves. */
#ifndef PLATFORM_SIM_INTERNAL_H
#define PLATFORM_SIM_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

void sim_clock_reset(void);
void sim_clock_jump(uint64_t to); /* monotonic time; without effect backwards */
void sim_entropy_seed(uint64_t seed);

/* The time of the next event, or WAIT_FOREVER. */
uint64_t sim_event_next(void);
/* Lets everything happen that is due now; false if nothing was. */
bool sim_event_happen(void);

#endif
