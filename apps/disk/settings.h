/* The values of settings.c. */
#ifndef APPS_DISK_SETTINGS_H
#define APPS_DISK_SETTINGS_H

#include "signatures/program.h"

extern uint32_t disk_sectors;
extern bool disk_forever;

#endif
