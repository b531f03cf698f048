/* See signer.h. */
#include "platform/sim/signer.h"

#include <stdlib.h>
#include <string.h>

#include "platform/crypto/keys.h"
#include "platform/sim/sim.h"
#include "runtime/list.h"
#include "runtime/panic.h"
#include "signatures/clock.h"

struct sim_signer {
    struct signer signer; /* first: the handle */
    struct keys *keys;
    struct list waiting; /* struct signing */
    size_t count;
    uint64_t delay;
    bool broken;
};

struct signing {
    struct list link;
    struct sim_event event;
    struct sim_signer *signer;
    signer_fn *answer;
    void *owner;
    size_t key;
    uint16_t scheme;
    size_t len;
    uint8_t message[SIGNER_MESSAGE_MAX];
};

static struct sim_signer *self(const struct signer *s)
{
    return (struct sim_signer *)(uintptr_t)s;
}

static void forget(struct signing *g)
{
    g->signer->count--;
    sim_event_cancel(&g->event);
    list_remove(&g->link);
    free(g);
}

static void happen(struct sim_event *e)
{
    struct signing *g = CONTAINER(e, struct signing, event);
    const struct sim_signer *s = g->signer;
    signer_fn *answer = g->answer;
    void *owner = g->owner;
    uint8_t signature[SIGNER_SIGNATURE_MAX];
    size_t len = 0;
    enum err why = s->broken ? ERR_IO
                             : keys_sign(s->keys, g->key, g->scheme, slice_of(g->message, g->len),
                                         signature, &len);
    forget(g);
    answer(owner, why, slice_of(signature, len));
}

static enum err sign(struct signer *signer, size_t index, uint16_t scheme, struct slice message,
                     signer_fn *answer, void *owner, struct signing **into)
{
    struct sim_signer *s = self(signer);
    if (s->broken)
        return ERR_IO;
    if (message.len > SIGNER_MESSAGE_MAX)
        return ERR_LIMIT;
    if (index >= keys_count(s->keys) || !keys_fits(keys_key(s->keys, index).algorithm, scheme))
        return ERR_ARGUMENT;
    struct signing *g = s->count < SIM_SIGNER_WAITING_MAX ? calloc(1, sizeof *g) : NULL;
    if (!g)
        return ERR_FULL;
    g->signer = s;
    g->answer = answer;
    g->owner = owner;
    g->key = index;
    g->scheme = scheme;
    g->len = message.len;
    memcpy(g->message, message.ptr, message.len);
    g->event.happen = happen;
    list_append(&s->waiting, &g->link);
    s->count++;
    sim_event_schedule(&g->event, clock_monotonic() + s->delay);
    *into = g;
    return OK;
}

static void cancel(struct signer *s, struct signing *g)
{
    (void)s;
    forget(g);
}

static size_t count(const struct signer *s)
{
    return keys_count(self(s)->keys);
}

static struct signer_key key(const struct signer *s, size_t index)
{
    return keys_key(self(s)->keys, index);
}

struct signer *sim_signer_open(struct slice section)
{
    static const struct signer_ops ops = {
        .count = count, .key = key, .sign = sign, .cancel = cancel};
    struct sim_signer *s = calloc(1, sizeof *s);
    struct buf error;
    assert_always(s);
    s->signer.ops = &ops;
    list_init(&s->waiting);
    buf_init(&error, 512);
    assert_always(keys_open(section, &s->keys, &error) == OK);
    buf_deinit(&error);
    return &s->signer;
}

void sim_signer_close(struct signer *signer)
{
    struct sim_signer *s = self(signer);
    while (!list_empty(&s->waiting))
        forget(CONTAINER(s->waiting.next, struct signing, link));
    keys_close(s->keys);
    free(s);
}

void sim_signer_delay(struct signer *s, uint64_t ns)
{
    self(s)->delay = ns;
}

void sim_signer_break(struct signer *s)
{
    self(s)->broken = true;
}

size_t sim_signer_waiting(const struct signer *s)
{
    return self(s)->count;
}
