/*
 * The signer of a machine: see platform/pvh/signer.h. It signs when the loop comes round, so that an
 * answer never comes from inside of the question.
 */
#include "platform/pvh/signer.h"

#include <string.h>

#include "platform/crypto/keys.h"
#include "runtime/list.h"
#include "signatures/memory.h"
#include "signatures/timer.h"

#define WAITING_MAX 4096u

struct room {
    struct signer signer;
    struct keys *keys;
    uint32_t waiting;
};

struct signing {
    struct task task;
    struct room *room;
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

static void forget(struct signing *g)
{
    g->room->waiting--;
    task_cancel(&g->task);
    memory_free(g);
}

static void run(struct task *t)
{
    struct signing *g = CONTAINER(t, struct signing, task);
    signer_fn *answer = g->answer;
    void *owner = g->owner;
    uint8_t signature[SIGNER_SIGNATURE_MAX];
    size_t len = 0;
    enum err why =
        keys_sign(g->room->keys, g->key, g->scheme, slice_of(g->message, g->len), signature, &len);
    forget(g);
    answer(owner, why, slice_of(signature, len));
}

static enum err sign(struct signer *signer, size_t index, uint16_t scheme, struct slice message,
                     signer_fn *answer, void *owner, struct signing **into)
{
    struct room *r = room_of(signer);
    if (message.len > SIGNER_MESSAGE_MAX)
        return ERR_LIMIT;
    if (index >= keys_count(r->keys) || !keys_fits(keys_key(r->keys, index).algorithm, scheme))
        return ERR_ARGUMENT;
    struct signing *g = r->waiting < WAITING_MAX ? memory_alloc(sizeof *g) : NULL;
    if (!g)
        return ERR_FULL;
    g->room = r;
    g->answer = answer;
    g->owner = owner;
    g->key = index;
    g->scheme = scheme;
    g->len = message.len;
    memcpy(g->message, message.ptr, message.len);
    r->waiting++;
    task_init(&g->task, run);
    task_post(&g->task);
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
    *into = &room.signer;
    return keys_open(section, &room.keys, error);
}
