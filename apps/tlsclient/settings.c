/* What an operator of the client may choose. */
#include "apps/tlsclient/settings.h"

#include "lib/tls/tls.h"
#include "runtime/settings_network.h"

struct slice client_host;
uint16_t client_port;
struct slice client_send;
struct slice client_pin;

static const char *check_pin(struct slice text)
{
    struct tls_pin pin;
    return text.len == 0 || tls_pin_parse(text, &pin) ? NULL : "sha256: and 64 hexadecimal digits";
}

static const struct setting settings[] = {
    {.name = "host",
     .letter = 'H',
     .value = "NAME",
     .help = "Whom to connect to; its certificate has to be for this name or address",
     .preset = "localhost",
     .type = SETTING_TEXT,
     .into = &client_host},
    {.name = "port",
     .letter = 'p',
     .value = "PORT",
     .help = "Where",
     .preset = "4433",
     .type = SETTING_PORT,
     .into = &client_port},
    {.name = "send",
     .value = "TEXT",
     .help = "What to send; the answer is printed until the server ends it",
     .preset = "hello",
     .type = SETTING_TEXT,
     .into = &client_send},
    {.name = "authenticator",
     .value = "sha256:HEX",
     .help =
         "Trust the server with this certificate or public key (SHA-256 of its DER), instead of "
         "those whom the image's trust anchors vouch for",
     .preset = "",
     .type = SETTING_TEXT,
     .check = check_pin,
     .into = &client_pin},
};

static const struct setting_group group = {
    .title = "Client", .settings = settings, .count = sizeof settings / sizeof settings[0]};

const struct setting_group *const program_settings[] = {&group, &settings_network_group,
                                                        &settings_logs_group, NULL};
