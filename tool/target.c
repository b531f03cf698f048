/* See target.h. What they are called here, mk/app.mk and mk/ring0.mk know as well. */
#include "tool/target.h"

#include "tool/file.h"
#include "tool/tool.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 64u

const struct target targets[] = {
    {.name = "process", .suffix = "", .option = "--unix", .help = "a Linux process"},
    {.name = "kvm",
     .suffix = ".kvm",
     .option = "--kvm",
     .help = "a virtual machine of QEMU, Firecracker or another with virtio's devices",
     .alone = true,
     .qemu = true},
    {.name = "xen",
     .suffix = ".xen",
     .option = "--xen",
     .help = "a PVH guest of Xen",
     .alone = true,
     .xen = true},
    {.name = "any",
     .suffix = ".elf",
     .option = "--any",
     .help = "each of these virtual machines",
     .alone = true,
     .qemu = true,
     .xen = true},
};
const size_t targets_count = sizeof(targets) / sizeof(targets[0]);

const struct target *target_find(const char *name)
{
    for (size_t i = 0; i < targets_count; i++)
        if (strcmp(targets[i].name, name) == 0)
            return &targets[i];
    return NULL;
}

const struct target *target_of_option(const char *argument)
{
    for (size_t i = 0; i < targets_count; i++)
        if (strcmp(targets[i].option, argument) == 0)
            return &targets[i];
    return NULL;
}

const struct target *target_configured(const char *folder)
{
    struct buf text;
    char *path = tool_text("%s/target", folder);
    buf_init(&text, NAME_BYTES_MAX);
    bool there = !file_read(path, &text);
    char *name = tool_text("%.*s", SLICE_ARG(slice_trim(buf_slice(&text))));
    const struct target *t = there ? target_find(name) : &targets[0];
    if (!t)
        tool_error("%s names no target: configure anew", path);
    free(name);
    free(path);
    buf_deinit(&text);
    return t;
}

char *tool_image(const struct target **target)
{
    const char *folder = getenv("RINGLET_APP_DIR");
    char *configuration = tool_text("%s/.ringlet", folder);
    const struct target *t = target_configured(configuration);
    free(configuration);
    if (target)
        *target = t;
    return t ? tool_text("%s/dist/%s%s", folder, getenv("RINGLET_APP"), t->suffix) : NULL;
}
