/*
 * The signer of a machine: see platform/pvh/signer.h. It signs when the loop comes round, so that an
 * answer never comes from inside of the question; and for a while only, however many ask at once: a
 * thousand RSA signatures in a row would be a second in which the card's frames are lost.
 */
#include "platform/pvh/signer.h"

#include <string.h>

#include "platform/crypto/keys.h"
#include "runtime/list.h"
#include "signatures/clock.h"
#include "signatures/memory.h"
#include "signatures/timer.h"

#define WAITING_MAX 4096u
#define TURN        CLOCK_MS /* of signing, in one round of the loop; one signature at least */

struct room {
    struct signer signer;
    struct keys *keys;
    struct list waiting; /* struct signing, in the order of the questions */
    uint32_t count;      /* of them */
    struct task task;    /* signs, while there are any */
};

struct signing {
    struct list link;
    signer_fn *answer;
    void *owner;
    size_t key;
    uint16_t scheme;
    size_t len;
    uint8_t message[SIGNER_MESSAGE_MAX];
};

static struct room *room_of(const struct signer *s)
{
    return (struct room *)(uintptr_t)s;
}

static void forget(struct room *r, struct signing *g)
{
    r->count--;
    list_remove(&g->link);
    memory_free(g);
}

static void answer_first(struct room *r)
{
    struct signing *g = CONTAINER(r->waiting.next, struct signing, link);
    signer_fn *answer = g->answer;
    void *owner = g->owner;
    uint8_t signature[SIGNER_SIGNATURE_MAX];
    size_t len = 0;
    enum err why =
        keys_sign(r->keys, g->key, g->scheme, slice_of(g->message, g->len), signature, &len);
    forget(r, g);
    answer(owner, why, slice_of(signature, len));
}

static void run(struct task *t)
{
    struct room *r = CONTAINER(t, struct room, task);
    uint64_t until = clock_monotonic() + TURN;
    while (!list_empty(&r->waiting)) {
        answer_first(r);
        if (clock_monotonic() < until)
            continue;
        task_post(&r->task);
        return;
    }
}

static enum err sign(struct signer *signer, size_t index, uint16_t scheme, struct slice message,
                     signer_fn *answer, void *owner, struct signing **into)
{
    struct room *r = room_of(signer);
    if (message.len > SIGNER_MESSAGE_MAX)
        return ERR_LIMIT;
    if (index >= keys_count(r->keys) || !keys_fits(keys_key(r->keys, index).algorithm, scheme))
        return ERR_ARGUMENT;
    struct signing *g = r->count < WAITING_MAX ? memory_alloc(sizeof *g) : NULL;
    if (!g)
        return ERR_FULL;
    g->answer = answer;
    g->owner = owner;
    g->key = index;
    g->scheme = scheme;
    g->len = message.len;
    memcpy(g->message, message.ptr, message.len);
    r->count++;
    list_append(&r->waiting, &g->link);
    task_post(&r->task);
    *into = g;
    return OK;
}

static void cancel(struct signer *s, struct signing *g)
{
    forget(room_of(s), g);
}

static size_t count(const struct signer *s)
{
    return keys_count(room_of(s)->keys);
}

static struct signer_key key(const struct signer *s, size_t index)
{
    return keys_key(room_of(s)->keys, index);
}

enum err machine_signer_open(struct slice section, struct signer **into, struct buf *error)
{
    static const struct signer_ops ops = {
        .count = count, .key = key, .sign = sign, .cancel = cancel};
    static struct room room = {.signer = {&ops}};
    list_init(&room.waiting);
    task_init(&room.task, run);
    *into = &room.signer;
    return keys_open(section, &room.keys, error);
}
