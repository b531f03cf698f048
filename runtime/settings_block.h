/* The setting of programs that are given a block device (signatures/block.h): which one it is. */
#ifndef RUNTIME_SETTINGS_BLOCK_H
#define RUNTIME_SETTINGS_BLOCK_H

#include "runtime/settings.h"

/* In a machine a number, from 0 on; of a process the name of a file. Empty where it is not declared. */
extern struct slice settings_block;
extern const struct setting_group settings_block_group;

#endif
