/*
 * The sections of an image's file (ELF64, little endian; System V ABI, gABI 4): found by name.
 *
 * Pure. The file is checked before it is believed: whatever is in it, nothing outside is read.
 */
#ifndef RUNTIME_ELF_H
#define RUNTIME_ELF_H

#include "runtime/slice.h"

/* Whether the bytes begin as such a file. */
bool elf_is(struct slice file);

/* The bytes of a section, within the file. False where there is none of this name, or none that is
 * whole. */
bool elf_section(struct slice file, const char *name, struct slice *into);

#endif
