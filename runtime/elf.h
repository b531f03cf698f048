/*
 * The sections of an image's file (ELF64, little endian; System V ABI, gABI 4): found by name, in a
 * file that is at hand as a slice, or piece by piece in one that is not.
 *
 * Pure. The file is checked before it is believed: whatever is in it, nothing outside is read.
 */
#ifndef RUNTIME_ELF_H
#define RUNTIME_ELF_H

#include "runtime/slice.h"

#define ELF_NAME_MAX 31u /* bytes of a section's name that can be asked for */

/* Whether the bytes begin as such a file. */
bool elf_is(struct slice file);

/* The bytes of a section, within the file. False where there is none of this name, or none that is
 * whole. */
bool elf_section(struct slice file, const char *name, struct slice *into);

/* Reads all of `len` bytes of the file from an offset on, or says false. */
typedef bool elf_read_fn(void *arg, uint64_t offset, void *into, size_t len);

/* Where in its file a section is; size 0 for one without bytes there. Nothing says that the file is as
 * long. */
struct elf_place {
    uint64_t offset;
    uint64_t size;
};

/* The place of a section. False where there is none of this name, or the file cannot be read so far. */
bool elf_find(elf_read_fn *read, void *arg, const char *name, struct elf_place *into);

#endif
