/* See xen_map.h. */
#include "tool/xen_map.h"

#include <stdlib.h>

#define LEVELS          4
#define ENTRIES         512u
#define PRESENT         (1ull << 0)
#define WRITABLE        (1ull << 1)
#define LARGE           (1ull << 7)
#define NO_EXECUTE      (1ull << 63)
#define FRAME_OF(entry) ((entry) >> 12 & 0xffffffffffull)
#define TABLES_MAX      65536 /* tables that point at each other end too */

struct walk {
    struct xen_map *map;
    const struct xen_dump *dump;
    unsigned tables;
};

static uint64_t canonical(uint64_t address)
{
    return address >> 47 & 1 ? address | 0xffff000000000000ull : address;
}

static void add(struct walk *w, struct xen_run page)
{
    struct xen_map *map = w->map;
    struct xen_run *last = map->count ? &map->runs[map->count - 1] : NULL;
    if (last && last->address + last->count * XEN_PAGE == page.address &&
        last->first + last->count == page.first && last->writable == page.writable &&
        last->executable == page.executable) {
        last->count++;
        return;
    }
    if (map->count == XEN_RUNS_MAX)
        map->cut = true;
    else
        map->runs[map->count++] = page;
}

/* Those frames of a mapping that the dump has. */
static void add_frames(struct walk *w, uint64_t address, uint64_t entry, uint64_t frames)
{
    uint64_t from = FRAME_OF(entry) & ~(frames - 1);
    for (size_t i = xen_dump_find(w->dump, from); i < xen_dump_count(w->dump); i++) {
        uint64_t offset = xen_dump_frame(w->dump, i) - from;
        if (offset >= frames)
            return;
        add(w, (struct xen_run){.address = address + offset * XEN_PAGE,
                                .first = i,
                                .count = 1,
                                .writable = entry & WRITABLE,
                                .executable = !(entry & NO_EXECUTE)});
    }
}

/* `rights`: what the tables above allow. */
static void walk(struct walk *w, uint64_t table, int level, uint64_t address, uint64_t rights)
{
    const uint8_t *page = xen_dump_page(w->dump, table);
    if (!page || ++w->tables > TABLES_MAX)
        return;
    unsigned shift = 12 + 9 * (unsigned)(level - 1);
    for (uint64_t i = 0; i < ENTRIES; i++) {
        uint64_t entry, at = canonical(address | i << shift);
        memcpy(&entry, page + i * sizeof entry, sizeof entry);
        if (!(entry & PRESENT))
            continue;
        entry = (entry & (rights | ~WRITABLE)) | (rights & NO_EXECUTE);
        if (level == 1 || (level < LEVELS && entry & LARGE))
            add_frames(w, at, entry, 1ull << (shift - 12));
        else
            walk(w, FRAME_OF(entry), level - 1, at, entry & (WRITABLE | NO_EXECUTE));
    }
}

bool xen_map_init(struct xen_map *map, const struct xen_dump *dump, uint64_t cr3)
{
    *map = (struct xen_map){.runs = malloc(XEN_RUNS_MAX * sizeof *map->runs)};
    if (!map->runs)
        return false;
    struct walk w = {.map = map, .dump = dump};
    walk(&w, FRAME_OF(cr3), LEVELS, 0, WRITABLE);
    return true;
}

void xen_map_deinit(struct xen_map *map)
{
    free(map->runs);
    *map = (struct xen_map){0};
}
