/* The vector units. */
#ifndef PLATFORM_PVH_FPU_H
#define PLATFORM_PVH_FPU_H

/* Turns on what the processor has, and the protections of supervisor mode. */
void fpu_open(void);

#endif
