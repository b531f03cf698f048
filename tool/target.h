/* Targets: what a program can be built for. */
#ifndef TOOL_TARGET_H
#define TOOL_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct target {
    const char *name;
    const char *suffix; /* of the image's file, behind the program's name */
    const char *option; /* the other way to choose it, from of old: "--unix" */
    const char *help;
    bool alone;     /* it runs without an operating system: a hypervisor starts it */
    bool qemu, xen; /* whose devices it knows */
};

extern const struct target targets[];
extern const size_t targets_count;

/* NULL: there is none of that name (of that option). */
const struct target *target_find(const char *name);
const struct target *target_of_option(const char *argument);

/* The target that the program in this folder was configured for: as written in folder/target; the Linux
 * process where there is nothing. NULL: what is written there is no target. */
const struct target *target_configured(const char *folder);

#endif
