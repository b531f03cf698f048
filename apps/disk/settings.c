/* How much of the device is overwritten, and how often. */
#include "apps/disk/settings.h"
#include "runtime/settings_block.h"

uint32_t disk_sectors;
bool disk_forever;

static const struct setting settings[] = {
    {.name = "sectors",
     .value = "NUMBER",
     .help = "How many sectors of 512 bytes are overwritten, from the first one on: all, where the "
             "device has fewer",
     .preset = "8192",
     .type = SETTING_NUMBER,
     .into = &disk_sectors},
    {.name = "forever",
     .value = "BOOL",
     .help = "Begins again after each time, and waits for a device that goes away",
     .preset = "false",
     .type = SETTING_BOOL,
     .into = &disk_forever},
};

static const struct setting_group group = {
    .title = "Disk", .settings = settings, .count = sizeof settings / sizeof settings[0]};

const struct setting_group *const program_settings[] = {&group, &settings_block_group,
                                                        &settings_logs_group, NULL};
