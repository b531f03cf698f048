/*
 * A peer for tests that speaks TCP by hand: every segment is the test's own, good or bad. It has a
 * card of its own on the wire, answers who asks for its addresses (ARP, NDP), and can stand as a
 * gateway for any others. It keeps what it hears, or hands it to the test at once.
 */
#ifndef PLATFORM_SIM_PUPPET_H
#define PLATFORM_SIM_PUPPET_H

#include "platform/sim/wire.h"

#define SIM_PUPPET_KEEPS 256u /* segments; older ones are forgotten */

struct sim_puppet;

/* v4 and v6: its addresses as text; either may be NULL. */
struct sim_puppet *sim_puppet_open(struct sim_wire *w, const char *v4, const char *v6);
void sim_puppet_close(struct sim_puppet *p); /* before the wire */

struct net *sim_puppet_card(struct sim_puppet *p);

/* The station that all segments go to. */
void sim_puppet_aim(struct sim_puppet *p, const struct net *card);

/* Sends the segment that f describes (see sim_frame_tcp; the Ethernet addresses are filled in). */
void sim_puppet_send(struct sim_puppet *p, const struct sim_frame *f, struct slice payload);
void sim_puppet_send_ip(struct sim_puppet *p, const struct sim_frame *f, struct slice content);

/* The oldest packet heard that was not yet taken: false where there is none. bytes is the whole
 * frame, valid until the next call. */
bool sim_puppet_take(struct sim_puppet *p, struct sim_frame *f, struct slice *bytes);

/* Instead of being kept, each packet is handed to hear as it comes. */
typedef void sim_puppet_hear_fn(void *arg, const struct sim_frame *f, struct slice bytes);
void sim_puppet_hear(struct sim_puppet *p, sim_puppet_hear_fn *hear, void *arg);

#endif
