/* Takes all the memory there is: the answer is NULL, not a stop, and all of it can be had again. */
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/memory.h"
#include "signatures/program.h"

struct piece {
    struct piece *next;
};

static uint64_t take_all(size_t size, struct piece **chain)
{
    uint64_t count = 0;
    for (struct piece *b; (b = memory_alloc(size)) != NULL; count++) {
        b->next = *chain;
        *chain = b;
    }
    return count;
}

static void give_all(struct piece *chain)
{
    while (chain) {
        struct piece *next = chain->next;
        memory_free(chain);
        chain = next;
    }
}

static enum err start(const struct world *w)
{
    struct piece *chain = NULL;
    uint64_t before = memory_stats().blocks;
    (void)w;
    uint64_t first = take_all(100000, &chain);
    give_all(chain);
    chain = NULL;
    uint64_t small = take_all(100, &chain);
    give_all(chain);
    chain = NULL;
    uint64_t again = take_all(100000, &chain);
    give_all(chain);
    log_info("memory", "%llu large, %llu small, %llu large again, %llu refused, %llu blocks left",
             (unsigned long long)first, (unsigned long long)small, (unsigned long long)again,
             (unsigned long long)memory_stats().refused,
             (unsigned long long)(memory_stats().blocks - before));
    loop_stop(first == again && first > 0 ? 0 : 1);
    return OK;
}

const struct program program = {.name = "memory", .summary = "takes all", .start = start};
const struct setting_group *const program_settings[] = {&settings_logs_group, NULL};
