/*
 * Moves the image to a virtual address of its own choosing, while it still runs at its physical one:
 * every address that it holds is changed to where it will be. Which words are addresses is told by a table
 * of the form RELR (gABI, "Relative Relocation Table"): the place of one, then a bit for each of the 63
 * words that follow, and again. The linker has put the linked address into each.
 *
 * Nothing here or in early.c may follow an address that the image holds: they lead to what is not
 * mapped yet. Names are reached relative to the instruction pointer only, hence the visibility.
 */
#include "platform/pvh/early.h"

#include "platform/pvh/cpu.h"

#define RELR_WORDS   63
#define LINKED_AT    UINT64_C(0x100000)
#define IMAGE_LOWEST UINT64_C(0xffff800000000000)
#define IMAGE_BITS   46 /* of choice, less those below a page */

extern const uint64_t image_relocations[],
    image_relocations_end[] __attribute__((visibility("hidden")));

/* Not for secrets: what cannot be told from outside, as early as this. */
uint64_t early_random(void)
{
    uint64_t value = 0;
    unsigned char ok = 0;
    if (cpu_id(1, 0).c & 1u << 30) {
        for (int i = 0; i < 10 && !ok; i++)
            __asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(ok)::"cc");
    }
    value ^= cpu_ticks() * UINT64_C(0x9e3779b97f4a7c15);
    value ^= value >> 32;
    return value * UINT64_C(0xd6e8feb86659fd93) ^ value >> 29;
}

uint64_t relocate(void)
{
    uint64_t choice = early_random() & ((UINT64_C(1) << IMAGE_BITS) - 1);
    uint64_t slide = IMAGE_LOWEST + (choice & ~(uint64_t)(PAGE_SIZE - 1)) - LINKED_AT;
    uint64_t *at = NULL;
    for (const uint64_t *r = image_relocations; r < image_relocations_end; r++) {
        if (*r & 1) {
            for (uint64_t bits = *r >> 1, *word = at; bits; bits >>= 1, word++)
                if (bits & 1)
                    *word += slide;
            at += RELR_WORDS;
        } else {
            at = (uint64_t *)*r;
            *at++ += slide;
        }
    }
    return slide;
}
