/* See trust.h. */
#include "apps/canopy/trust.h"

#include "lib/git/fetch.h"
#include "runtime/log.h"

enum err trust_open(const struct canopy_settings *settings, struct slice anchors,
                    struct tls_client **into)
{
    static const char *const protocols[] = {"http/1.1"};
    struct tls_pin pins[TLS_PINS_MAX];
    struct tls_client_config config = {
        .anchors = anchors,
        .pins = pins,
        .protocols = protocols,
        .protocol_count = 1,
    };
    *into = NULL;
    if (settings->remote.len == 0) /* nobody will be asked: reading the anchors takes its time */
        return OK;
    canopy_pins(settings->authenticator, pins, &config.pin_count);
    bool needed = git_url_is_secure(settings->remote);
    if (anchors.len == 0 && config.pin_count == 0) {
        if (needed)
            log_error("canopy", "nobody is trusted who could vouch for the remote: configure with "
                                "--trust FILE, or name its certificate with --authenticator");
        return needed ? ERR_ARGUMENT : OK;
    }
    enum err e = tls_client_open(&config, into);
    if (e)
        log_error("canopy", "cannot use the image's trust anchors: %s", err_text(e));
    return e;
}
