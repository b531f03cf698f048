/* See trust.h. */
#include "apps/canopy/trust.h"

#include "lib/git/fetch.h"
#include "runtime/log.h"

enum err trust_open(struct trust *t, const struct canopy_settings *settings, struct slice anchors)
{
    *t = (struct trust){.settings = settings, .anchors = anchors};
    if (anchors.len > 0 || settings->authenticator.len > 0 || !git_url_is_secure(settings->remote))
        return OK;
    log_error("canopy", "nobody is trusted who could vouch for the remote: configure with "
                        "--trust FILE, or name its certificate with --authenticator");
    return ERR_ARGUMENT;
}

void trust_close(struct trust *t)
{
    if (t->client)
        tls_client_close(t->client);
    t->client = NULL;
}

/* What begins at git:// never leads to https://. */
static bool may_be_secure(const struct canopy_settings *settings)
{
    return settings->remote.len > 0 && !slice_starts(settings->remote, SLICE("git://"));
}

enum err trust_client(struct trust *t, struct tls_client **into)
{
    static const char *const protocols[] = {"http/1.1"};
    struct tls_pin pins[TLS_PINS_MAX];
    struct tls_client_config config = {
        .anchors = t->anchors,
        .pins = pins,
        .protocols = protocols,
        .protocol_count = 1,
    };
    enum err e = OK;
    canopy_pins(t->settings->authenticator, pins, &config.pin_count);
    if (!t->client && may_be_secure(t->settings) && (t->anchors.len > 0 || config.pin_count > 0))
        e = tls_client_open(&config, &t->client);
    if (e != OK)
        log_error("canopy", "cannot use the image's trust anchors: %s", err_text(e));
    *into = t->client;
    return e;
}
