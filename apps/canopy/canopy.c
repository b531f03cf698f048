/*
 * Canopy: a website whose content is Markdown in a git repository.
 *
 * content.h keeps the site up to date, web.h serves it; this file puts the two together.
 */
#include "apps/canopy/content.h"
#include "apps/canopy/web.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/program.h"

#define STOP_SECONDS 5 /* for requests in flight when asked to stop */

/* The built-in theme: made by mk/embed from apps/canopy/assets. */
extern const struct site_asset canopy_assets[];
extern const uint64_t canopy_assets_count;

static struct content content;
static struct web web;

/* The line that an operator waits for. */
static void on_first(void)
{
    log_info("canopy", "serving http://localhost:%u/", canopy_settings.port);
}

static enum err start(const struct world *world)
{
    enum err e = web_start(&web, world->stack, &content, &canopy_settings);
    if (e != OK)
        return e;
    e = content_start(&content, world->stack, &canopy_settings, canopy_assets,
                      (size_t)canopy_assets_count, world->content, on_first);
    return e;
}

static void on_stopped(void)
{
    content_release(&content);
    loop_stop(0);
}

static void stop(void)
{
    log_info("canopy", "stopping");
    content_stop(&content);
    web_stop(&web, STOP_SECONDS, on_stopped);
}

const struct program program = {
    .name = "canopy",
    .summary = "Serves a git repository's Markdown as a website, and follows every push",
    .start = start,
    .stop = stop,
};
