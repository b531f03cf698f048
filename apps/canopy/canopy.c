/*
 * Canopy: a website whose content is Markdown in a git repository.
 *
 * content.h keeps the site up to date, web.h serves it; with TLS, secure.h is between web.h and the
 * network, and plain.h sends those on who come without. This file puts them together.
 */
#include "apps/canopy/content.h"
#include "apps/canopy/plain.h"
#include "apps/canopy/secure.h"
#include "apps/canopy/trust.h"
#include "apps/canopy/web.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/settings_network.h"
#include "signatures/program.h"

#define STOP_SECONDS 5 /* for requests in flight when asked to stop */

/* The built-in theme: made by mk/embed from apps/canopy/assets. */
extern const struct site_asset canopy_assets[];
extern const uint64_t canopy_assets_count;

static struct content content;
static struct web web;
static struct secure secure; /* this and the next only with TLS */
static struct plain plain;
static struct trust trust;
static bool has_tls, has_served;
static unsigned services; /* that are not closed yet */

/* The line that an operator waits for. At a card of our own, localhost is nobody else's. */
static void say_serving(void)
{
    struct slice card;
    const char *protocol = has_tls ? "HTTPS" : "HTTP";
    unsigned port = has_tls ? canopy_settings.tls : canopy_settings.port;
    if (settings_network_host())
        log_info("canopy", "serving %s://localhost:%u/", has_tls ? "https" : "http", port);
    else if (settings_network_tap(&card))
        log_info("canopy", "serving %s at port %u of %.*s", protocol, port, SLICE_ARG(card));
    else
        log_info("canopy", "serving %s at port %u", protocol, port);
}

static void on_loaded(void)
{
    if (has_tls && content.store)
        secure_follow(&secure, content.store, &content.history.commit);
    if (!has_served)
        say_serving();
    has_served = true;
}

static enum err start_serving(const struct world *world)
{
    has_tls = canopy_settings.tls != 0;
    services = has_tls ? 2 : 1;
    if (!has_tls)
        return web_start(&web, world->stack, &content, &canopy_settings);
    enum err e = secure_start(&secure, world);
    if (e == OK)
        e = web_start(&web, secure.stack, &content, &canopy_settings);
    if (e == OK)
        e = plain_start(&plain, world->stack, &web);
    web.secure = &secure;
    web.plain = &plain;
    return e;
}

/* Only here, not when an image is configured: what is missing may be given at the start. */
static void say_unused(void)
{
    const struct canopy_settings *s = &canopy_settings;
    if (s->poll > 0 && s->remote.len == 0)
        log_warning("canopy", "--poll is of no use: there is no remote (-r URL)");
    if (s->remote_user.len > 0 && s->remote_token.len == 0)
        log_warning("canopy", "--remote-user is of no use: there is no --remote-token");
}

static enum err start(const struct world *world)
{
    say_unused();
    enum err e = trust_open(&trust, &canopy_settings, world->anchors);
    if (e == OK)
        e = start_serving(world);
    if (e != OK)
        return e;
    return content_start(&content, &(struct content_given){
                                       .stack = world->stack,
                                       .settings = &canopy_settings,
                                       .assets = canopy_assets,
                                       .asset_count = (size_t)canopy_assets_count,
                                       .baked = world->content,
                                       .prepared = world->prepared,
                                       .trust = &trust,
                                       .on_loaded = on_loaded,
                                   });
}

static void on_stopped(void)
{
    content_release(&content);
    trust_close(&trust);
    loop_stop(0);
}

static void on_service_stopped(void)
{
    if (--services > 0)
        return;
    web_release(&web);
    if (has_tls)
        secure_stop(&secure, STOP_SECONDS, on_stopped);
    else
        on_stopped();
}

static void stop(void)
{
    log_info("canopy", "stopping");
    content_stop(&content);
    if (has_tls)
        plain_stop(&plain, STOP_SECONDS, on_service_stopped);
    web_stop(&web, STOP_SECONDS, on_service_stopped);
}

static void reload(const struct world *now)
{
    if (has_tls)
        secure_reload(&secure, now->certificates);
}

const struct program program = {
    .name = "canopy",
    .summary = "Serves a git repository's Markdown as a website, and follows every push",
    .start = start,
    .stop = stop,
    .reload = reload,
};
