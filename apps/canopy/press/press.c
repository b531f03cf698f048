/*
 * The press: makes the pages of an image's content while the image is built, as the image's settings want them, and
 * prints them. It runs on the building machine, made of the same parts as canopy.
 *
 * What it prints goes to standard output, which is also where its log goes: whoever runs it asks for errors only.
 * Then the output of one that ends well is the print, and that of another says why.
 */
#include "apps/canopy/content.h"
#include "lib/site/print.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "signatures/console.h"
#include "signatures/program.h"

extern const struct site_asset canopy_assets[];
extern const uint64_t canopy_assets_count;

static struct content content;
static struct canopy_settings settings;
static struct trust trust;
static struct task look;

static enum err print(void)
{
    struct buf printed;
    buf_init(&printed, SITE_PRINT_MAX);
    enum err e = site_print(content.site, &content.options, &printed);
    if (e == OK)
        console_write(buf_slice(&printed));
    else
        log_error("press", "cannot print the pages: %s", err_text(e));
    buf_deinit(&printed);
    return e;
}

static void on_look(struct task *t)
{
    if (content.phase != CONTENT_IDLE) {
        task_post(t);
        return;
    }
    if (!content.site)
        log_error("press", "%s", content.line);
    bool done = content.site && print() == OK;
    content_stop(&content);
    content_release(&content);
    loop_stop(done ? 0 : 1);
}

static void on_loaded(void)
{
}

/* The remote is not asked: what is baked in is what is printed. */
static enum err start(const struct world *world)
{
    settings = canopy_settings;
    settings.remote = (struct slice){NULL, 0};
    settings.poll = 0;
    task_init(&look, on_look);
    task_post(&look);
    return content_start(&content, &(struct content_given){
                                       .stack = world->stack,
                                       .settings = &settings,
                                       .assets = canopy_assets,
                                       .asset_count = (size_t)canopy_assets_count,
                                       .baked = world->content,
                                       .trust = &trust,
                                       .on_loaded = on_loaded,
                                   });
}

const struct program program = {
    .name = "press",
    .summary = "Prints the pages of the content that is baked into an image",
    .start = start,
};
