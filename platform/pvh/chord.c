/* See keyboard.h. */
#include "platform/pvh/keyboard.h"

#define CHORD_SET_1 0x1d38e053u /* control, alt, and delete in two bytes */
#define CHORD_SET_2 0x1411e071u

bool keyboard_ends_chord(uint32_t *last, uint8_t code)
{
    *last = *last << 8 | code;
    return *last == CHORD_SET_1 || *last == CHORD_SET_2;
}
