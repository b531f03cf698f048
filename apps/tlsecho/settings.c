/* What an operator of the echo may choose. */
#include "apps/tlsecho/settings.h"

#include "runtime/settings_network.h"

uint16_t echo_port;
bool echo_client_auth;

static const struct setting settings[] = {
    {.name = "port",
     .letter = 'p',
     .value = "PORT",
     .help = "Where TLS is spoken",
     .preset = "4433",
     .type = SETTING_PORT,
     .into = &echo_port},
    {.name = "client-auth",
     .help = "Ask clients for a certificate, which one of the image's trust anchors has to have "
             "issued (without anchors: any). Who shows none is served as well",
     .preset = "no",
     .type = SETTING_BOOL,
     .into = &echo_client_auth},
};

static const struct setting_group group = {
    .title = "Echo", .settings = settings, .count = sizeof settings / sizeof settings[0]};

const struct setting_group *const program_settings[] = {&group, &settings_network_group,
                                                        &settings_logs_group, NULL};
