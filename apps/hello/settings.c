/* No settings but those of every program. */
#include "runtime/settings.h"

extern const struct setting_group *const program_settings[];
const struct setting_group *const program_settings[] = {&settings_logs_group, NULL};
