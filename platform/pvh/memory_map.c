/* See memory_map.h. */
#include "platform/pvh/memory_map.h"

#define PAGE_OF(address) ((address) & ~(uint64_t)(PAGE_SIZE - 1))

struct reading {
    const struct start_memory *map;
    uint32_t entries;
    struct machine_range image;
    struct machine_range *into;
    size_t count;
};

const char *memory_map_fault(const struct start_info *info)
{
    if (info->magic != START_INFO_MAGIC)
        return "no PVH start information: was this started as a PVH kernel?";
    if (info->version < 1 || !info->memory_map || !info->memory_map_entries)
        return "the start information has no map of the memory (version 1 is needed)";
    if (info->memory_map_entries > MEMORY_MAP_MAX)
        return "the start information's map of the memory has more than 1024 entries";
    if (info->memory_map > MEMORY_MAP_REACH - MEMORY_MAP_MAX * sizeof(struct start_memory) ||
        info->command_line > MEMORY_MAP_REACH - MACHINE_COMMAND_MAX)
        return "the start information leads to what lies beyond 4 GiB";
    return 0;
}

/* What is taken, by number: the image, what was found before, and entries of another kind. False: no more. */
static bool taken(const struct reading *r, size_t which, struct machine_range *into)
{
    *into = r->image;
    if (which == 0)
        return true;
    if (--which < r->count) {
        *into = r->into[which];
        return true;
    }
    which -= r->count;
    if (which >= r->entries)
        return false;
    const struct start_memory *m = &r->map[which];
    uint64_t end = m->address + m->size;
    if (end < m->address || end > PAGE_OF(UINT64_MAX))
        end = PAGE_OF(UINT64_MAX);
    *into = m->type == START_MEMORY_RAM
                ? (struct machine_range){0, 0}
                : (struct machine_range){PAGE_OF(m->address), PAGE_OF(end + PAGE_SIZE - 1)};
    return true;
}

/* Behind all that is taken there. */
static uint64_t skip_taken(const struct reading *r, uint64_t at)
{
    struct machine_range t;
    for (size_t i = 0; taken(r, i, &t);) {
        bool within = at >= t.start && at < t.end;
        at = within ? t.end : at;
        i = within ? 0 : i + 1;
    }
    return at;
}

/* Where the next that is taken begins, or the end. */
static uint64_t until_taken(const struct reading *r, uint64_t at, uint64_t end)
{
    struct machine_range t;
    for (size_t i = 0; taken(r, i, &t); i++)
        if (t.start < t.end && t.start > at && t.start < end)
            end = t.start;
    return end;
}

static void add(struct reading *r, uint64_t start, uint64_t end)
{
    while ((start = skip_taken(r, start)) < end && r->count < MACHINE_RANGES_MAX) {
        uint64_t stop = until_taken(r, start, end);
        if (start < MEMORY_MAP_REACH && stop > MEMORY_MAP_REACH)
            stop = MEMORY_MAP_REACH;
        r->into[r->count++] = (struct machine_range){start, stop};
    }
}

size_t memory_map_read(const struct start_memory *map, uint32_t entries, struct machine_range image,
                       struct machine_range *into)
{
    struct reading r = {map, entries, image, into, 0};
    for (uint32_t i = 0; i < entries; i++) {
        uint64_t start = map[i].address, end = start + map[i].size;
        if (map[i].type != START_MEMORY_RAM || end < start || start >= MEMORY_MAP_MOST)
            continue;
        start = start < PAGE_SIZE ? PAGE_SIZE : PAGE_OF(start + PAGE_SIZE - 1);
        end = end > MEMORY_MAP_MOST ? MEMORY_MAP_MOST : PAGE_OF(end);
        add(&r, start, end);
    }
    return r.count;
}
