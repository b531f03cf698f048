/* Vectors, for C and the assembler. */
#ifndef PLATFORM_PVH_TRAP_NUMBERS_H
#define PLATFORM_PVH_TRAP_NUMBERS_H

#define TRAP_EXCEPTIONS 32
#define TRAP_VECTORS    64 /* exceptions, then interrupts */
#define TRAP_STUB_SIZE  16

#endif
