/* What the files of the simulated wire share. */
#ifndef PLATFORM_SIM_WIRE_INTERNAL_H
#define PLATFORM_SIM_WIRE_INTERNAL_H

#include <stdio.h>

#include "platform/sim/wire.h"
#include "runtime/list.h"

struct port;

/* A frame on its way; what happens is that it reaches the end of the cable. */
struct flight {
    struct sim_event event;
    struct list link; /* of the wire's flights */
    struct port *port;
    enum sim_way way;
    size_t len;
    uint8_t bytes[];
};

/* One way of a cable. */
struct lane {
    struct sim_harm harm;
    bool bad;         /* in a burst */
    uint64_t free_at; /* the bandwidth is used up until then */
    uint64_t latest;  /* arrival of the newest frame that kept the order */
};

/* A frame that the card is not done with. */
struct slot {
    struct slice lent[NET_PARTS_MAX];
    size_t count;
    uint64_t print; /* of the lent bytes, when they were taken */
    uint64_t done_at;
};

/* Segments of one flow, being gathered. */
struct gathering {
    struct sim_event flush;
    uint8_t *bytes; /* NET_FRAME_MAX; NULL without merging */
    size_t len;     /* 0: nothing is being gathered */
    uint16_t segment_size;
    uint32_t next; /* sequence number */
    bool last;     /* was shorter, or pushed */
};

struct port {
    struct net net; /* first: the handle */
    struct sim_wire *wire;
    struct sim_card card;
    struct lane lanes[2];
    struct slot *slots; /* a ring of card.ring, those of done..taken are in use */
    uint64_t taken, done;
    struct sim_event completion, room, link_change;
    bool wants_room, up, told_up, gone;
    struct gathering gathering;
    FILE *record;
};

struct sim_wire {
    struct sim_random random;
    struct port *ports[SIM_CARDS_MAX];
    size_t count;
    struct list flights;
    uint64_t flying;
    struct sim_wire_counts counts;
    const char *fault;
    sim_wire_watch_fn *watch;
    void *watch_arg;
};

/* Memory of the host; panics without. */
void *sim_zalloc(size_t size);

/* The first fault stays; NULL is none. */
void sim_wire_found(struct sim_wire *w, const char *fault);

/* --- wire.c --- */

/* From the switch to whoever it is for. */
void sim_wire_forward(struct sim_wire *w, const struct port *from, struct slice frame);

/* --- wire_harm.c --- */

/* A frame enters a way of the cable, and what becomes of it. */
void sim_lane_enter(struct port *p, enum sim_way way, struct slice frame);

/* --- wire_big.c: what is larger than a way takes --- */

/* True: the frame does not go on; it was dropped, told of, or goes on in fragments. */
bool sim_too_big(struct port *p, enum sim_way way, struct slice frame, const struct sim_frame *f);

/* --- wire_send.c: the card's sending half --- */

extern const struct net_ops sim_card_ops;
void sim_card_on_completion(struct sim_event *e);
void sim_card_on_room(struct sim_event *e);

/* --- wire_cut.c: segmentation --- */

/* Cuts a super-frame into frames; each is handed to sim_card_leaves. NULL, or why it cannot. */
const char *sim_card_cut(struct port *p, uint8_t *bytes, const struct sim_frame *f,
                         const struct net_frame *given);
void sim_card_leaves(struct port *p, struct slice frame);
void sim_card_record(struct port *p, struct slice frame);

/* --- wire_receive.c: its receiving half --- */

void sim_card_arrives(struct port *p, struct slice frame);
void sim_card_on_flush(struct sim_event *e);

#endif
