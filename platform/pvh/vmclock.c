/* See generation.h: what VMClock's page says. */
#include "platform/pvh/generation.h"

#include "runtime/reader.h"

#define MAGIC           UINT64_C(0x4b4c4356) /* "VCLK" */
#define SIZE_WITHOUT    104u
#define FLAG_GENERATION (UINT64_C(1) << 8)

bool generation_of_vmclock(const uint8_t page[VMCLOCK_SIZE], uint64_t into[2])
{
    struct reader r = reader_of(slice_of(page, VMCLOCK_SIZE));
    uint32_t magic = read_le32(&r), size = read_le32(&r);
    uint16_t version = read_le16(&r);
    read_bytes(&r, 6); /* which counter, which time; how often it was written */
    into[0] = read_little_endian(&r, 8);
    uint64_t flags = read_little_endian(&r, 8);
    read_bytes(&r, SIZE_WITHOUT - 32);
    uint64_t generation = read_little_endian(&r, 8);
    into[1] = flags & FLAG_GENERATION && size >= VMCLOCK_SIZE ? generation : 0;
    return magic == MAGIC && version == 1 && size >= SIZE_WITHOUT;
}
