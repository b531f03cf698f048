/*
 * What runs of a test have seen: states and ways between them, options and flags on the wire, and
 * what was counted. Printed at the end; what has to be seen and was not fails the test.
 */
#ifndef TESTS_LIB_INET_COVERAGE_H
#define TESTS_LIB_INET_COVERAGE_H

#include "tests/lib/inet/world.h"

enum coverage_sight {
    COVERAGE_V4,
    COVERAGE_V6,
    COVERAGE_SYN,
    COVERAGE_SYN_ACK,
    COVERAGE_MSS,
    COVERAGE_SCALE,
    COVERAGE_SACK_OK,
    COVERAGE_TIMES,
    COVERAGE_SACK_1,
    COVERAGE_SACK_2,
    COVERAGE_SACK_3,
    COVERAGE_SACK_4,
    COVERAGE_DSACK,
    COVERAGE_ECN_SYN,
    COVERAGE_ECN_SYN_ACK,
    COVERAGE_ECT,
    COVERAGE_ECE,
    COVERAGE_CWR,
    COVERAGE_FIN,
    COVERAGE_FIN_DATA,
    COVERAGE_RST,
    COVERAGE_RST_ACK,
    COVERAGE_PSH,
    COVERAGE_ZERO_WINDOW,
    COVERAGE_PURE_ACK,
    COVERAGE_FULL_SEGMENT,
    COVERAGE_SIGHTS
};

static const char *const coverage_names[COVERAGE_SIGHTS] = {
    "IPv4",         "IPv6",         "SYN",         "SYN-ACK", "MSS",     "window scale",
    "SACK-OK",      "timestamps",   "1 SACK",      "2 SACKs", "3 SACKs", "4 SACKs",
    "D-SACK",       "ECN-SYN",      "ECN-SYN-ACK", "ECT",     "ECE",     "CWR",
    "FIN",          "FIN and data", "RST",         "RST-ACK", "PSH",     "zero window",
    "ACK, no data", "full segment"};

static uint64_t coverage_seen[COVERAGE_SIGHTS];

static inline bool coverage_is_dsack(const struct sim_tcp *t)
{
    if (!t->sack_count)
        return false;
    bool below = (int32_t)(t->sacks[0][1] - t->ack) <= 0;
    bool within = t->sack_count > 1 && (int32_t)(t->sacks[0][0] - t->sacks[1][0]) >= 0 &&
                  (int32_t)(t->sacks[1][1] - t->sacks[0][1]) >= 0;
    return below || within;
}

static inline void coverage_note(enum coverage_sight what, bool seen)
{
    coverage_seen[what] += seen;
}

static inline void coverage_note_syn(const struct sim_tcp *t)
{
    bool ack = t->flags & SIM_ACK;
    uint8_t ecn = t->flags & (SIM_ECE | SIM_CWR);
    coverage_note(ack ? COVERAGE_SYN_ACK : COVERAGE_SYN, true);
    coverage_note(COVERAGE_MSS, t->options & SIM_HAS_MSS);
    coverage_note(COVERAGE_SCALE, t->options & SIM_HAS_SCALE);
    coverage_note(COVERAGE_SACK_OK, t->options & SIM_HAS_SACK_OK);
    coverage_note(COVERAGE_ECN_SYN, !ack && ecn == (SIM_ECE | SIM_CWR));
    coverage_note(COVERAGE_ECN_SYN_ACK, ack && ecn == SIM_ECE);
}

static inline void coverage_note_rest(const struct sim_frame *f, size_t payload)
{
    const struct sim_tcp *t = &f->tcp;
    coverage_note(COVERAGE_ECE, t->flags & SIM_ECE);
    coverage_note(COVERAGE_CWR, t->flags & SIM_CWR);
    coverage_note(COVERAGE_FIN, t->flags & SIM_FIN);
    coverage_note(COVERAGE_FIN_DATA, (t->flags & SIM_FIN) && payload);
    coverage_note(COVERAGE_RST, (t->flags & (SIM_RST | SIM_ACK)) == SIM_RST);
    coverage_note(COVERAGE_RST_ACK, (t->flags & (SIM_RST | SIM_ACK)) == (SIM_RST | SIM_ACK));
    coverage_note(COVERAGE_PSH, t->flags & SIM_PSH);
    coverage_note(COVERAGE_ZERO_WINDOW, t->window == 0 && !(t->flags & SIM_RST));
    coverage_note(COVERAGE_PURE_ACK, t->flags == SIM_ACK && !payload);
    coverage_note(COVERAGE_FULL_SEGMENT, f->end - f->ip >= 1280);
    coverage_note(COVERAGE_ECT, f->ecn != 0);
}

static inline void coverage_on_frame(void *arg, const struct net *from, struct slice bytes)
{
    struct sim_frame f;
    (void)arg, (void)from;
    if (sim_frame_read(bytes, &f) || f.protocol != SIM_TCP || f.fragment)
        return;
    coverage_note(f.v6 ? COVERAGE_V6 : COVERAGE_V4, true);
    coverage_note(COVERAGE_TIMES, f.tcp.options & SIM_HAS_TIMES);
    if (f.tcp.sack_count)
        coverage_seen[COVERAGE_SACK_1 + f.tcp.sack_count - 1]++;
    coverage_note(COVERAGE_DSACK, coverage_is_dsack(&f.tcp));
    if (f.tcp.flags & SIM_SYN)
        coverage_note_syn(&f.tcp);
    else
        coverage_note_rest(&f, f.end - f.payload);
}

static inline void coverage_watch(struct sim_wire *w)
{
    sim_wire_watch(w, coverage_on_frame, NULL);
}

/* --- the table --- */

static inline void coverage_print_states(FILE *to)
{
    fprintf(to, "%-14s", "from \\ to");
    for (int i = 0; i < TCP_STATES; i++)
        fprintf(to, " %12s", tcp_state_name((enum tcp_state)i));
    fprintf(to, "\n");
    for (int from = 0; from < TCP_STATES; from++) {
        fprintf(to, "%-14s", tcp_state_name((enum tcp_state)from));
        for (int i = 0; i < TCP_STATES; i++)
            fprintf(to, " %12llu", (unsigned long long)world_seen.transitions[from][i]);
        fprintf(to, "\n");
    }
}

static inline void coverage_print_counters(FILE *to)
{
    for (int i = 0; i < TCP_COUNTERS; i++)
        fprintf(to, "%-28s %12llu%s", tcp_counter_name((enum tcp_counter)i),
                (unsigned long long)world_seen.counters[i], i % 3 == 2 ? "\n" : "   ");
    const struct recovery_counters *r = &world_seen.recovery;
    fprintf(to, "\nrecoveries %llu, timeouts %llu, probes %llu (repaired %llu), resent %llu, ",
            (unsigned long long)r->recoveries, (unsigned long long)r->timeouts,
            (unsigned long long)r->probes, (unsigned long long)r->probe_repairs,
            (unsigned long long)r->retransmitted);
    fprintf(to, "undone: echo %llu, D-SACK %llu, F-RTO %llu; reneged %llu, marks %llu\n",
            (unsigned long long)r->undone_echo, (unsigned long long)r->undone_duplicates,
            (unsigned long long)r->undone_original, (unsigned long long)r->reneged,
            (unsigned long long)r->marks);
}

/* What runs of all kinds have to have counted. */
static const uint8_t coverage_counters[] = {
    TCP_SYNS_AGAIN,  TCP_SYN_ACKS_AGAIN,  TCP_COOKIES_SENT, TCP_COOKIES_ACCEPTED,
    TCP_TIME_WAITS,  TCP_TIME_WAITS_SHED, TCP_DROP_NO_PORT, TCP_DROP_CONNECTIONS,
    TCP_DROP_MEMORY, TCP_DROP_OLD,        TCP_DROP_WINDOW,  TCP_DROP_STAMP,
    TCP_DROP_SYN,    TCP_DROP_RESET,      TCP_DROP_CLOSED,  TCP_DROP_TIME_WAIT,
    TCP_CHALLENGES,  TCP_ACKS_LIMITED,    TCP_COMPLAINTS,   TCP_SHRUNK,
    TCP_ZERO_PROBES, TCP_KEEP_PROBES,     TCP_ORPHANS_SHED, TCP_ORPHANS_TIMED_OUT,
    TCP_TIMED_OUT,   TCP_WRITES_REFUSED,  TCP_CARD_FULL,    TCP_RESET_BY_PEER,
    TCP_RESET_BY_US};

static inline size_t coverage_missing(FILE *to, bool missing, const char *what, const char *where)
{
    if (missing)
        fprintf(to, "NEVER SEEN: %s%s%s\n", what, *where ? " -> " : "", where);
    return missing;
}

/* Everything that was seen; how much of what has to be seen was not. */
static inline size_t coverage_print(FILE *to)
{
    static const uint8_t ways[][2] = {
        {TCP_CLOSED, TCP_SYN_SENT},        {TCP_SYN_SENT, TCP_ESTABLISHED},
        {TCP_SYN_SENT, TCP_CLOSED},        {TCP_SYN_RECEIVED, TCP_ESTABLISHED},
        {TCP_ESTABLISHED, TCP_FIN_WAIT_1}, {TCP_ESTABLISHED, TCP_CLOSE_WAIT},
        {TCP_ESTABLISHED, TCP_CLOSED},     {TCP_FIN_WAIT_1, TCP_FIN_WAIT_2},
        {TCP_FIN_WAIT_1, TCP_CLOSING},     {TCP_FIN_WAIT_2, TCP_TIME_WAIT},
        {TCP_CLOSING, TCP_TIME_WAIT},      {TCP_CLOSE_WAIT, TCP_LAST_ACK},
        {TCP_LAST_ACK, TCP_CLOSED},        {TCP_TIME_WAIT, TCP_CLOSED}};
    size_t missing = 0;
    coverage_print_states(to);
    for (size_t i = 0; i < COVERAGE_SIGHTS; i++)
        fprintf(to, "%-16s %12llu%s", coverage_names[i], (unsigned long long)coverage_seen[i],
                i % 4 == 3 ? "\n" : "   ");
    fprintf(to, "\n");
    coverage_print_counters(to);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        missing += coverage_missing(to, !world_seen.transitions[ways[i][0]][ways[i][1]],
                                    tcp_state_name((enum tcp_state)ways[i][0]),
                                    tcp_state_name((enum tcp_state)ways[i][1]));
    for (size_t i = 0; i < sizeof coverage_counters; i++)
        missing += coverage_missing(to, !world_seen.counters[coverage_counters[i]],
                                    tcp_counter_name((enum tcp_counter)coverage_counters[i]), "");
    const struct recovery_counters *r = &world_seen.recovery;
    missing +=
        coverage_missing(to, !r->recoveries || !r->timeouts || !r->probe_repairs, "repairs", "");
    missing += coverage_missing(to, !r->undone_echo || !r->undone_duplicates || !r->undone_original,
                                "undoing", "");
    missing += coverage_missing(to, !r->marks, "reduction for ECN", "");
    for (size_t i = 0; i < COVERAGE_SIGHTS; i++) /* with timestamps there is no room for a fourth */
        missing +=
            coverage_missing(to, !coverage_seen[i] && i != COVERAGE_SACK_4, coverage_names[i], "");
    return missing;
}

#endif
