/* See mmio_word.h. */
#include "platform/virtio/mmio_word.h"

#define SIZE_MAX_TOLD (UINT64_C(1) << 30)
#define LINE_MAX      1023u

static bool number(struct slice s, uint64_t max, uint64_t *value)
{
    if (slice_starts(s, SLICE("0x")))
        return slice_hex(slice_drop(s, 2), max, value);
    return slice_decimal(s, max, value);
}

/* "512", "0x200", "4K" */
static bool read_size(struct slice s, uint64_t *value)
{
    uint64_t unit = 1;
    uint8_t last = s.len ? s.ptr[s.len - 1] : 0;
    if (last == 'K' || last == 'k')
        unit = 1024;
    else if (last == 'M' || last == 'm')
        unit = 1024 * 1024;
    if (!number(slice_take(s, s.len - (unit > 1)), SIZE_MAX_TOLD / unit, value))
        return false;
    *value *= unit;
    return *value > 0;
}

static bool read_word(struct slice word, struct mmio_place *into)
{
    struct slice size, rest, address, line, id;
    uint64_t value;
    if (!slice_cut(word, '@', &size, &rest) || !slice_cut(rest, ':', &address, &line))
        return false;
    slice_cut(line, ':', &line, &id);
    if (!read_size(size, &into->size) || !number(address, UINT64_MAX / 2, &into->address) ||
        !number(line, LINE_MAX, &value))
        return false;
    into->line = (uint32_t)value;
    return true;
}

bool mmio_next_word(struct slice *rest, struct mmio_place *into)
{
    static const struct slice key = SLICE_INIT("virtio_mmio.device=");
    struct slice word;
    while (rest->len) {
        slice_cut(*rest, ' ', &word, rest);
        if (slice_starts(word, key) && read_word(slice_drop(word, key.len), into))
            return true;
    }
    return false;
}
