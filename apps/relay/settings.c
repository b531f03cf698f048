/* What an operator of the relay may choose. */
#include "apps/relay/settings.h"

#include "runtime/settings_network.h"

uint16_t relay_port, relay_to_port;
struct slice relay_to;

static const struct setting settings[] = {
    {.name = "port",
     .letter = 'p',
     .value = "PORT",
     .help = "Where connections are taken",
     .preset = "7000",
     .type = SETTING_PORT,
     .into = &relay_port},
    {.name = "to",
     .value = "HOST",
     .help = "Whom they are passed on to: a name or an address",
     .preset = "localhost",
     .type = SETTING_TEXT,
     .into = &relay_to},
    {.name = "to-port",
     .value = "PORT",
     .help = "And which port there",
     .preset = "7",
     .type = SETTING_PORT,
     .into = &relay_to_port},
};

static const struct setting_group group = {
    .title = "Relay", .settings = settings, .count = sizeof settings / sizeof settings[0]};

const struct setting_group *const program_settings[] = {&group, &settings_network_group,
                                                        &settings_logs_group, NULL};
