/* See driver.h. */
#include "platform/pvh/driver.h"

void driver_begin_all(void)
{
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->begin)
            (*d)->begin();
}

void driver_find_all(void)
{
    for (const struct driver *const *d = image_drivers; d < image_drivers_end; d++)
        if ((*d)->find)
            (*d)->find();
}
