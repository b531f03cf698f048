/* The tables in which the firmware describes the machine (ACPI 6.5, 5.2). They are read as bytes: none
 * of their code is run. */
#ifndef PLATFORM_PVH_ACPI_H
#define PLATFORM_PVH_ACPI_H

#include "runtime/slice.h"

/* The table of that signature ("FACP", "DSDT"), with its header; empty: there is none. It stays mapped. */
struct slice acpi_table(const char *signature);

#endif
