/* What an operator of the echo may choose. */
#include "apps/echo/settings.h"
#include "runtime/settings_network.h"

uint16_t echo_port, discard_port, chargen_port;

static const struct setting settings[] = {
    {.name = "port",
     .letter = 'p',
     .value = "PORT",
     .help = "Where what is sent comes back",
     .preset = "7",
     .type = SETTING_PORT,
     .into = &echo_port},
    {.name = "discard-port",
     .value = "PORT",
     .help = "Where what is sent is counted, and the number is the answer",
     .preset = "9",
     .type = SETTING_PORT,
     .into = &discard_port},
    {.name = "chargen-port",
     .value = "PORT",
     .help = "Where characters come without end",
     .preset = "19",
     .type = SETTING_PORT,
     .into = &chargen_port},
};

static const struct setting_group group = {
    .title = "Echo", .settings = settings, .count = sizeof settings / sizeof settings[0]};

const struct setting_group *const program_settings[] = {&group, &settings_network_group,
                                                        &settings_logs_group, NULL};
