/* See stand_in.h. */
#include "apps/canopy/stand_in.h"

#include "lib/site/print.h"
#include "runtime/log.h"
#include "signatures/clock.h"

static void report(const struct site *s)
{
    char hex[OID_HEX_MAX];
    enum oid_kind kind;
    struct site_stats stats = site_stats(s);
    const struct oid *commit = site_commit(s, &kind);
    oid_to_hex(kind, commit, hex);
    log_info("content", "the image's pages are served: %u of commit %.10s, %u article%s",
             stats.pages, hex, stats.articles, stats.articles == 1 ? "" : "s");
}

bool stand_in_serve(struct content *c, struct slice printed)
{
    if (printed.len == 0)
        return false;
    c->options.now = clock_wall() / (int64_t)CLOCK_SEC;
    enum err e = site_of_print(printed, &c->options, &c->site);
    if (e == ERR_MISMATCH)
        log_info("content", "the image's pages are made anew: its settings are others now");
    else if (e != OK)
        log_warning("content", "cannot use the image's pages: %s", err_text(e));
    if (e != OK)
        return false;
    report(c->site);
    c->loaded_at = clock_wall();
    c->on_loaded();
    return true;
}
