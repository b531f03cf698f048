/* Flows over the host's sockets; private to this platform. See signatures/flow.h. */
#ifndef PLATFORM_PROCESS_FLOW_H
#define PLATFORM_PROCESS_FLOW_H

#include "platform/process/stack.h"

/* Takes over a connected non-blocking socket. NULL: at the limit; the socket stays the caller's. */
struct flow *socket_flow_open(int fd, struct endpoint peer);

/* For a flow to a server: one that sends a little and then more waits for the first bytes to be
 * acknowledged (Nagle's algorithm), which the kernel would put off for 40 ms. */
void socket_flow_prompt(struct flow *f);

/* Lets the flow do what is due now, reading first. For the one who just handed it to its owner, from
 * the loop: the flow may be gone afterwards. */
void socket_flow_attend(struct flow *f);

/* How many are open. */
uint32_t socket_flows(void);

/* How many of them their owners have closed: they still send what was queued. */
uint32_t socket_flows_closing(void);

/* How long is waited for others, in ns: the constants of stack.h, which tests make shorter. */
struct socket_patience {
    uint64_t close, drain, connect, resolve;
};
extern struct socket_patience socket_patience;

extern struct process_stack_counters socket_counters; /* shared by the files of the stack */

#endif
