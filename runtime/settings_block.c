/* See settings_block.h. */
#include "runtime/settings_block.h"

struct slice settings_block;

static const struct setting settings[] = {
    {.name = "disk",
     .value = "NUMBER|FILE",
     .help = "The block device: its number in a machine, counted from 0 on; of a Linux process, a "
             "file that is there already",
     .preset = "0",
     .type = SETTING_TEXT,
     .into = &settings_block},
};

const struct setting_group settings_block_group = {
    .title = "Block device", .settings = settings, .count = sizeof settings / sizeof settings[0]};
