/* See dom0.h. */
#include "tests/platform/xen/dom0.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/pvh/memory.h"
#include "platform/sim/sim.h"
#include "platform/xen/bus.h"
#include "platform/xen/event.h"
#include "platform/xen/guest.h"
#include "runtime/log.h"
#include "signatures/memory.h"
#include "tests/platform/xen/pages.h"

#define NODES_MAX   64u
#define WATCHES_MAX 8u
#define STEP        (100 * CLOCK_MS)

struct dom0 dom0;

static struct {
    char path[STORE_PATH_MAX], value[STORE_VALUE_MAX];
    size_t len;
    bool there;
} nodes[NODES_MAX];
static struct {
    char path[STORE_PATH_MAX], token[16];
} watches[WATCHES_MAX];
static struct {
    uint32_t id;                                       /* 0: none is open */
    bool stale;                                        /* something has changed since it began */
    char path[STORE_PATH_MAX], value[STORE_VALUE_MAX]; /* what it writes; "": nothing */
} transaction;
static size_t node_count, watch_count;
static bool state_written;
static bool used[PAGES_MAX]; /* of pages; the last is none of the heap's */

void dom0_begin(void)
{
    memset(&dom0, 0, sizeof dom0);
    node_count = watch_count = 0;
    memset(&transaction, 0, sizeof transaction);
    state_written = false;
    memset(used, 0, sizeof used);
    store_init(&dom0.store);
    grants_init(&dom0.grants, dom0.table, DOM0_GRANTS);
    log_configure(SLICE("debug"));
    sim_console_clear();
}

/* --- the store's daemon --- */

static void copy(char *into, size_t size, struct slice text)
{
    if (text.len >= size)
        abort();
    if (text.len)
        memcpy(into, text.ptr, text.len);
    into[text.len] = '\0';
}

void dom0_say(uint32_t type, uint32_t id, struct slice payload)
{
    struct xsd_sockmsg head = {.type = type, .req_id = id, .len = (uint32_t)payload.len};
    store_input(&dom0.store, slice_of(&head, sizeof head));
    for (size_t i = 0; i < payload.len; i++)
        store_input(&dom0.store, slice_of(payload.ptr + i, 1));
}

void dom0_fire(const char *token)
{
    char event[32];
    int n = snprintf(event, sizeof event, "p%c%s", 0, token);
    dom0_say(XS_WATCH_EVENT, 0, slice_of(event, (size_t)n + 1));
}

static size_t find(const char *path)
{
    size_t i = 0;
    while (i < node_count && strcmp(nodes[i].path, path) != 0)
        i++;
    return i;
}

/* Who is told of a node: those who watch it, or what is above it. */
static void tell(const char *path)
{
    for (size_t i = 0; i < watch_count; i++)
        if (strncmp(watches[i].path, path, strlen(watches[i].path)) == 0)
            dom0_fire(watches[i].token);
}

static void set(const char *path, struct slice value, bool there)
{
    size_t i = find(path);
    if (i == NODES_MAX)
        abort();
    node_count += i == node_count;
    copy(nodes[i].path, sizeof nodes[i].path, slice_text(path));
    copy(nodes[i].value, sizeof nodes[i].value, value);
    nodes[i].len = value.len;
    nodes[i].there = there;
    transaction.stale = true;
    tell(path);
}

void dom0_set(const char *path, const char *value)
{
    set(path, slice_text(value ? value : ""), value);
}

void dom0_set_bytes(const char *path, struct slice value)
{
    set(path, value, true);
}

const char *dom0_get(const char *path)
{
    size_t i = find(path);
    return i < node_count && nodes[i].there ? nodes[i].value : "";
}

static void watch(const char *path, struct slice token)
{
    if (watch_count == WATCHES_MAX)
        abort();
    copy(watches[watch_count].path, sizeof watches->path, slice_text(path));
    copy(watches[watch_count].token, sizeof watches->token, token);
    dom0_fire(watches[watch_count++].token);
}

static void unwatch(struct slice token)
{
    for (size_t i = 0; i < watch_count; i++)
        if (slice_is(token, watches[i].token))
            watches[i] = watches[--watch_count];
}

static void begin_transaction(const struct xsd_sockmsg *q)
{
    static uint32_t last;
    char text[16];
    if (dom0.no_transactions) {
        dom0_say(XS_ERROR, q->req_id, SLICE("ENOSPC\0"));
        return;
    }
    memset(&transaction, 0, sizeof transaction);
    transaction.id = ++last;
    dom0_say(q->type, q->req_id,
             slice_of(text, (size_t)snprintf(text, sizeof text, "%u", transaction.id) + 1));
}

static void write_node(const char *path, const char *value)
{
    size_t had = strlen(dom0.said);
    snprintf(dom0.said + had, sizeof dom0.said - had, "%s=%s;", path, value);
    state_written |= slice_ends(slice_text(path), SLICE("/state"));
    dom0_set(path, value);
}

static void end_transaction(const struct xsd_sockmsg *q, const char *how)
{
    bool done = strcmp(how, "T") == 0 && !transaction.stale && !dom0.restless;
    if (!transaction.id || q->tx_id != transaction.id)
        abort();
    transaction.id = 0;
    dom0_say(done ? q->type : XS_ERROR, q->req_id, done ? SLICE("OK\0") : SLICE("EAGAIN\0"));
    if (done && transaction.path[0])
        write_node(transaction.path, transaction.value);
}

/* What a transaction writes is nobody's before its end. */
static void write_later(const char *path, struct slice value)
{
    copy(transaction.path, sizeof transaction.path, slice_text(path));
    copy(transaction.value, sizeof transaction.value, value);
}

static void answer(const struct xsd_sockmsg *q, const char *path, struct slice value)
{
    size_t i = find(path);
    if (q->type == XS_TRANSACTION_START) {
        begin_transaction(q);
        return;
    }
    if (q->type == XS_TRANSACTION_END) {
        end_transaction(q, path);
        return;
    }
    if (q->tx_id && q->tx_id != transaction.id)
        abort();
    if (q->type == XS_READ && (i == node_count || !nodes[i].there)) {
        dom0_say(XS_ERROR, q->req_id, SLICE("ENOENT\0"));
        return;
    }
    if (q->type == XS_WRITE && dom0.refuses && strcmp(path, dom0.refuses) == 0) {
        dom0_say(XS_ERROR, q->req_id, SLICE("EACCES\0"));
        return;
    }
    dom0_say(q->type, q->req_id,
             q->type == XS_READ ? slice_of(nodes[i].value, nodes[i].len) : SLICE("OK\0"));
    if (q->type == XS_WATCH)
        watch(path, slice_take(value, value.len - 1));
    else if (q->type == XS_UNWATCH)
        unwatch(slice_take(value, value.len - 1));
    else if (q->type == XS_WRITE && q->tx_id)
        write_later(path, value);
    else if (q->type == XS_WRITE) {
        char text[STORE_VALUE_MAX];
        copy(text, sizeof text, value);
        write_node(path, text);
    }
}

bool dom0_answer(void)
{
    struct slice out = store_output(&dom0.store, clock_monotonic()), path, value;
    struct xsd_sockmsg q;
    uint8_t payload[STORE_PATH_MAX + STORE_VALUE_MAX];
    char text[STORE_PATH_MAX];
    if (!out.len)
        return false;
    memcpy(&q, out.ptr, sizeof q);
    if (out.len != sizeof q + q.len)
        abort();
    memcpy(payload, out.ptr + sizeof q, q.len);
    store_sent(&dom0.store, out.len);
    if (dom0.silent)
        return true;
    if (!slice_cut(slice_of(payload, q.len), '\0', &path, &value))
        abort();
    copy(text, sizeof text, path);
    answer(&q, text, value);
    return true;
}

void dom0_serve(void)
{
    while (dom0_answer())
        ;
}

static int state_of(const char *folder, char path[STORE_PATH_MAX])
{
    snprintf(path, STORE_PATH_MAX, "%s/state", folder);
    return atoi(dom0_get(path));
}

void dom0_follow(const char *device, const char *backend)
{
    char path[STORE_PATH_MAX];
    int ours = state_of(device, path), theirs = state_of(backend, path);
    bool told = ours == XenbusStateConnected || ours == XenbusStateInitialised;
    if (!state_written)
        return;
    state_written = false;
    if (told && theirs == XenbusStateInitWait)
        dom0_set(path, "4");
    else if (ours == XenbusStateClosed && theirs != XenbusStateClosed)
        dom0_set(path, "6");
    else if (ours == XenbusStateInitialising && theirs == XenbusStateClosed)
        dom0_set(path, "2");
}

/* --- a device --- */

static void set_in_folder(const char *name, const char *value)
{
    char path[STORE_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dom0.folder, name);
    dom0_set(path, value);
}

void dom0_begin_device(const char *folder)
{
    dom0_begin();
    dom0.folder = folder;
    dom0.backend = dom0_mean_well;
    dom0_set("/b/state", "2");
    set_in_folder("backend-id", "3");
    set_in_folder("state", "1");
    set_in_folder("backend", "/b");
}

void dom0_mean_well(void)
{
    dom0_follow(dom0.folder, "/b");
}

uint64_t dom0_told(const char *name)
{
    char path[STORE_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dom0.folder, name);
    return strtoull(dom0_get(path), NULL, 10);
}

void dom0_end_device(void *device)
{
    if (dom0.front)
        bus_remove(dom0.front);
    memory_free(device);
}

/* --- the machine --- */

static bool is_page(const void *block)
{
    return (const uint8_t *)block >= pages[0] && (const uint8_t *)block < pages[PAGES_MAX - 1];
}

/* The lowest that is free, so that one which is used after it was given back is somebody else's soon. */
void *memory_pages(size_t count)
{
    uint32_t i = 0;
    while (i < PAGES_MAX - 1 && used[i])
        i++;
    if (count != 1 || dom0.no_memory || i == PAGES_MAX - 1)
        return NULL;
    used[i] = true;
    dom0.pages++;
    return memset(pages[i], 0, RING_PAGE);
}

void *memory_zalloc(size_t size)
{
    return calloc(1, size);
}

void *memory_resize(void *block, size_t size)
{
    return realloc(block, size);
}

size_t memory_size(const void *block)
{
    return malloc_usable_size((void *)(uintptr_t)block);
}

void memory_free(void *block)
{
    if (!is_page(block)) {
        free(block);
        return;
    }
    uint32_t frame = guest_frame(block);
    for (uint32_t i = 0; i < DOM0_GRANTS; i++)
        if (dom0.table[i].flags && dom0.table[i].frame == frame)
            abort(); /* who it is granted to would reach what comes there next */
    used[frame] = false;
    dom0.pages--;
}

uint8_t *dom0_page(uint64_t number)
{
    if (number >= DOM0_GRANTS || !(dom0.table[number].flags & GTF_permit_access))
        abort();
    return pages[dom0.table[number].frame];
}

struct grants *guest_grants(void)
{
    return &dom0.grants;
}

uint32_t event_open(uint16_t domain)
{
    static uint32_t last;
    (void)domain;
    if (dom0.no_channels)
        return EVENT_NONE;
    dom0.channels++;
    return ++last;
}

void event_close(uint32_t channel)
{
    dom0.channels -= channel != EVENT_NONE;
}

void event_know(uint32_t channel)
{
    (void)channel;
}

void event_notify(uint32_t channel)
{
    dom0.notified += channel != EVENT_NONE;
}

void poll_add(struct poll *p)
{
    dom0.poll = p;
}

struct store *bus_store(void)
{
    return &dom0.store;
}

bool bus_add(struct front *f)
{
    dom0.front = f;
    return true;
}

void bus_remove(struct front *f)
{
    front_close(f);
    dom0.front = NULL;
}

/* As bus.c has it: what is overdue first, then what is to be sent. */
void dom0_turn(void)
{
    if (dom0.backend)
        dom0.backend();
    if (dom0.front)
        front_expire(dom0.front);
    store_expire(&dom0.store, clock_monotonic());
    dom0_serve();
    if (dom0.poll)
        dom0.poll->run(dom0.poll);
}

void dom0_wait(uint64_t ns)
{
    uint64_t until = clock_monotonic() + ns;
    for (dom0_turn(); clock_monotonic() < until; dom0_turn())
        sim_clock_advance(STEP);
}

bool bus_wait(bool (*ready)(void *arg), void *arg, uint64_t deadline)
{
    for (dom0_turn(); !ready(arg) && clock_monotonic() < deadline; dom0_turn())
        sim_clock_advance(STEP);
    return ready(arg);
}

bool dom0_heard(const char *words)
{
    struct slice all = sim_console();
    bool any = all.len && memmem(all.ptr, all.len, words, strlen(words));
    sim_console_clear();
    return any;
}
