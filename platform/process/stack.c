/* See stack.h: the table that ties listeners, connects and resolves together. */
#include "platform/process/stack.h"

#include "platform/process/connect.h"
#include "platform/process/flow.h"
#include "platform/process/listener.h"
#include "platform/process/queue.h"
#include "platform/process/resolve.h"
#include "signatures/clock.h"

struct process_stack_counters socket_counters;
struct socket_patience socket_patience = {FLOW_CLOSE_NS, FLOW_DRAIN_NS, CONNECT_NS, RESOLVE_NS};

static const struct stack_ops ops = {
    .listen = listener_open,
    .unlisten = listener_close,
    .connect = connect_start,
    .cancel_connect = connect_cancel,
    .resolve = resolve_start,
    .cancel_resolve = resolve_cancel,
};

struct stack *process_stack(void)
{
    static struct stack stack = {&ops};
    return &stack;
}

struct process_stack_counters process_stack_counters(void)
{
    struct process_stack_counters now = socket_counters;
    now.open = socket_flows();
    now.segments = queue_segments();
    now.segments_refused = queue_refused();
    return now;
}
