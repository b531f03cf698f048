/* A virtual machine of QEMU, as it is asked for, and the command that starts it. */
#ifndef TOOL_VM_H
#define TOOL_VM_H

#include "tool/words.h"

#include <stdbool.h>

#define VM_QEMU       "qemu-system-x86_64"
#define VM_PORTS_MAX  32u
#define VM_TAPS_MAX   8u
#define VM_DRIVES_MAX 8u
#define VM_MEMORY     32u /* MiB, where nothing else is said */
#define VM_MEMORY_MIN 4u
#define VM_MEMORY_MAX (1u << 20)

struct vm_port {
    char address[48]; /* of this machine; "": all */
    unsigned host, guest;
    bool udp;
};

struct vm {
    const char *image;
    const char *machine;   /* "microvm", "pc", "q35" */
    unsigned memory;       /* MiB */
    bool kvm;              /* else TCG */
    bool card;             /* it has a network: QEMU's own ("user") unless there are TAPs */
    const char *arguments; /* kernel command line; owned by the caller */
    const char *gdb;       /* port where QEMU waits for a debugger, or NULL */
    struct vm_port ports[VM_PORTS_MAX];
    size_t port_count;
    const char *taps[VM_TAPS_MAX];
    size_t tap_count;
    const char *drives[VM_DRIVES_MAX]; /* files, raw: block devices, in this order */
    size_t drive_count;
};

/* False: there is no machine of that name. */
bool vm_machine_is(const char *name);

/* "[ADDRESS:]HOST:GUEST[/udp]". False: it is not of that form. */
bool vm_port_parse(const char *text, struct vm_port *into);

/* "64", "64M", "2G": MiB. False: it is not of that form, or beyond the limits. */
bool vm_memory_parse(const char *text, unsigned *mib);

/* The command, without what reads its console. */
void vm_words(const struct vm *vm, struct words *into);

/* Arguments as one kernel command line, which the image takes apart again (platform/pvh/command_line.h).
 * False: it is longer than an image reads. */
bool vm_command_line(const char *const *arguments, size_t count, struct buf *into);

#endif
