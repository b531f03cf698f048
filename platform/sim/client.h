/*
 * A peer for tests: connects, sends what it is told, and keeps what it receives.
 */
#ifndef PLATFORM_SIM_CLIENT_H
#define PLATFORM_SIM_CLIENT_H

#include "signatures/stack.h"

struct sim_client;

/* Connects from the host. What is sent before the connection stands is sent then. */
struct sim_client *sim_client_open(struct stack *from, const char *address, uint16_t port);

/* Closes the flow (if it still stands), and frees the client. */
void sim_client_close(struct sim_client *c);

/* Queues a copy; what the flow does not take now goes later. */
void sim_client_send(struct sim_client *c, struct slice bytes);
void sim_client_text(struct sim_client *c, const char *text);

/* After everything was sent: closes the flow, but keeps what was received; or resets it at once. */
void sim_client_finish(struct sim_client *c);
void sim_client_abort(struct sim_client *c);

void sim_client_pause(struct sim_client *c, bool paused);

/* All that has arrived so far; valid until the next round. */
struct slice sim_client_received(const struct sim_client *c);
void sim_client_forget(struct sim_client *c); /* from now on: what arrives later */

bool sim_client_connected(const struct sim_client *c);
bool sim_client_eof(const struct sim_client *c);     /* the peer has ended in good order */
enum err sim_client_why(const struct sim_client *c); /* why it is over, or OK */
/* Over in one way or the other: eof, ended, or not connected. For sim_run. */
bool sim_client_over(void *client);

#endif
