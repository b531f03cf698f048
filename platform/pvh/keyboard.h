/* Ctrl-Alt-Delete, as hypervisors type it (Firecracker's SendCtrlAltDel, which has no power button): asks the
 * program to end (stop.h). Of the keyboard (8042) nothing else is heard. */
#ifndef PLATFORM_PVH_KEYBOARD_H
#define PLATFORM_PVH_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the code ends that chord; last: the codes before, 0 at the start. Of the codes of set 1, and of
 * set 2. Pure. */
bool keyboard_ends_chord(uint32_t *last, uint8_t code);

/* Listens from now on, where there is one. */
void keyboard_open(void);

#endif
