/* See content.h. This file is the cycle; incoming.c is the conversation with the remote. */
#include "apps/canopy/content.h"

#include "apps/canopy/incoming.h"
#include "apps/canopy/problem.h"
#include "apps/canopy/stand_in.h"
#include "runtime/format.h"
#include "runtime/log.h"
#include "signatures/clock.h"
#include "signatures/entropy.h"

#define NEVER UINT64_MAX

static void attempt(struct content *c);

static void answer_all(struct content *c, struct list *waiting, enum err why)
{
    struct list *link;
    while ((link = list_shift(waiting))) {
        struct content_waiter *w = CONTAINER(link, struct content_waiter, link);
        c->waiters--;
        w->answer(w, why);
    }
}

/* The timer runs from start to stop, so that it is only moved, which does not fail. */
static void wake_at(struct content *c, uint64_t when)
{
    (void)timer_start(&c->timer, when);
}

static void wake_after(struct content *c, uint64_t delay)
{
    wake_at(c, clock_monotonic() + delay);
}

/* The time until the next attempt: doubled after each failure, with up to half of it added at
 * random, so that many readers of one remote do not come back at the same moment. */
static uint64_t retry_delay(const struct content *c)
{
    uint32_t doublings = c->failures > 9 ? 9 : c->failures - 1;
    uint64_t delay = (uint64_t)CONTENT_RETRY_MIN << doublings;
    if (delay > CONTENT_RETRY_MAX)
        delay = CONTENT_RETRY_MAX;
    uint32_t random;
    entropy_fill(&random, sizeof(random));
    delay *= CLOCK_SEC;
    return delay + delay / 2 * (random % 1024) / 1024;
}

static void schedule(struct content *c)
{
    uint64_t delay = 0;
    if (c->failures > 0)
        delay = retry_delay(c);
    else if (c->settings->poll > 0)
        delay = c->settings->poll * CLOCK_SEC;
    if (delay == 0 || c->settings->remote.len == 0)
        return;
    c->next_at = clock_monotonic() + delay;
    wake_at(c, c->next_at);
}

/* Gives back what an update had gathered and did not hand over. */
static void drop_incoming(struct content *c)
{
    task_cancel(&c->turn);
    if (c->fetch)
        git_fetch_cancel(c->fetch);
    if (c->pack)
        store_pack_drop(c->pack);
    if (c->build)
        site_free(site_build_end(c->build));
    history_release(&c->next);
    if (c->incoming && c->incoming != c->store)
        store_close(c->incoming);
    if (c->store)
        store_give_up(c->store);
    c->fetch = NULL;
    c->pack = NULL;
    c->build = NULL;
    c->incoming = NULL;
    c->bundle = (struct slice){NULL, 0};
    c->baked = (struct slice){NULL, 0};
    c->next = (struct history){0};
}

/* --- turns --- */

static void on_turn(struct task *t)
{
    struct content *c = CONTAINER(t, struct content, turn);
    c->work(c);
}

void content_go_on(struct content *c, void (*work)(struct content *c))
{
    c->work = work;
    task_post(&c->turn);
}

bool content_is_slow(struct content *c)
{
    uint64_t now = clock_monotonic();
    if (now - c->progress_said < CLOCK_SEC)
        return false;
    c->progress_said = now;
    return true;
}

/* --- the end of an update --- */

/* Nothing runs any more: those who waited for it are told, and the next one is seen to. */
static void settle(struct content *c)
{
    struct list waiting;
    c->phase = CONTENT_IDLE;
    list_init(&waiting);
    for (struct list *link; (link = list_shift(&c->waiting));)
        list_append(&waiting, link);
    schedule(c);
    enum err why = c->last;
    if (c->again)
        attempt(c);
    answer_all(c, &waiting, why);
}

static void compact(struct content *c)
{
    if (store_compact(c->store, &c->history.commit) == ERR_AGAIN)
        content_go_on(c, compact);
    else
        settle(c);
}

/* Pages that cannot be finished for want of memory are served as they are. */
static void tidy(struct content *c)
{
    if (c->gone && site_free_some(c->gone, CONTENT_FREE_STEP))
        c->gone = NULL;
    if (c->gone)
        content_go_on(c, tidy);
    else if (!c->store)
        settle(c);
    else
        content_go_on(c, site_finish(c->site, CONTENT_FINISH_STEP) == OK ? compact : tidy);
}

/* Where nobody waits for the end of it, those come first who wait for a page. */
static void begin_tidying(struct content *c)
{
    c->phase = CONTENT_TIDYING;
    if (list_empty(&c->waiting))
        wake_after(c, CONTENT_TIDY_AFTER);
    else
        content_go_on(c, tidy);
}

/* The one end of every update: c->line says what happened. */
void content_finish(struct content *c, enum err why)
{
    drop_incoming(c);
    c->last = why;
    if (why == OK) {
        c->failures = 0;
        c->whole = false;
        log_info("content", "%s", c->line);
    } else {
        c->failures++;
        c->failed++;
        log_warning("content", "%s%s", c->line, c->site ? "; the present content stays" : "");
    }
    begin_tidying(c);
}

/* --- building --- */

/* The new generation takes the place of the old one. Responses that are being sent hold their own
 * pages. */
static void swap(struct content *c, struct site *site)
{
    struct site *old_site = c->site;
    struct store *old_store = c->store;
    c->site = site;
    c->store = c->incoming;
    history_release(&c->history);
    c->history = c->next;
    c->next = (struct history){0};
    if (old_store != c->store)
        store_close(old_store);
    c->incoming = NULL;
    site_free(c->gone); /* tidying has left none */
    c->gone = old_site;
    c->updates++;
    c->loaded_at = clock_wall();
}

static void report_problems(const struct site *site)
{
    struct buf line;
    size_t count;
    const struct site_problem *problems = site_problems(site, &count);
    buf_init(&line, PROBLEM_LINE_MAX);
    for (size_t i = 0; i < count; i++) {
        buf_clear(&line);
        problem_put(&line, &problems[i]);
        log_warning("content", "%.*s", SLICE_ARG(buf_slice(&line)));
    }
    buf_deinit(&line);
}

/* Of an update it is told how much of the site it altered. */
static void report_loaded(struct content *c)
{
    struct site_stats stats = site_stats(c->site);
    char hex[OID_HEX_MAX], altered[32] = "";
    oid_to_hex(store_kind(c->store), &c->history.commit, hex);
    uint64_t ms = (clock_monotonic() - c->began) / CLOCK_MS;
    if (c->updates > 1)
        format_text(altered, sizeof(altered), " (%u new or changed)", stats.changed);
    format_text(c->line, sizeof(c->line),
                "at commit %.10s: %u pages%s, %u article%s, %u to mend, %llu ms", hex, stats.pages,
                altered, stats.articles, stats.articles == 1 ? "" : "s", stats.problems,
                (unsigned long long)ms);
    report_problems(c->site);
}

static void report_progress(struct content *c)
{
    uint32_t done, total;
    if (!content_is_slow(c))
        return;
    site_build_progress(c->build, &done, &total);
    log_info("content", "making pages: %u of %u", done, total);
}

static void make_pages(struct content *c)
{
    enum err e = site_build_step(c->build, CONTENT_BUILD_STEP);
    if (e == ERR_AGAIN) {
        report_progress(c);
        content_go_on(c, make_pages);
        return;
    }
    struct site *site = site_build_end(c->build);
    c->build = NULL;
    if (e == OK) {
        swap(c, site);
        report_loaded(c);
    } else {
        format_text(c->line, sizeof(c->line), "cannot make the pages: %s", err_text(e));
    }
    content_finish(c, e);
    if (e == OK)
        c->on_loaded();
}

/* What is known already of the history that is on its way. */
static const struct history *base(const struct content *c)
{
    return c->incoming == c->store && c->site ? &c->history : NULL;
}

/* Where the pages stand in that the image has of this content, what is made has their bytes, and their date. */
static enum err begin_pages(struct content *c)
{
    bool same = c->site && c->baked.ptr;
    if (!same)
        c->options.now = clock_wall() / (int64_t)CLOCK_SEC;
    return site_build_begin(c->incoming, &c->next, same ? NULL : c->site, &c->options, &c->build);
}

static void date_files(struct content *c)
{
    enum err e = history_walk(c->incoming, &c->commit, base(c), &c->next);
    if (e == ERR_AGAIN) {
        if (content_is_slow(c))
            log_info("content", "dating files: reading the history");
        content_go_on(c, date_files);
        return;
    }
    if (e == OK)
        e = begin_pages(c);
    if (e == OK) {
        content_go_on(c, make_pages);
    } else {
        format_text(c->line, sizeof(c->line), "cannot read the content: %s",
                    e == ERR_LIMIT ? "more files, or longer paths or history, than is permitted"
                                   : err_text(e));
        content_finish(c, e);
    }
}

static void check(struct content *c)
{
    struct oid missing;
    enum err e =
        store_check(c->incoming, &c->commit, base(c) ? &c->history.commit : NULL, &missing);
    if (e == ERR_AGAIN) {
        if (content_is_slow(c))
            log_info("content", "checking that the repository is whole");
        content_go_on(c, check);
    } else if (e == OK) {
        content_go_on(c, date_files);
    } else {
        char hex[OID_HEX_MAX];
        oid_to_hex(store_kind(c->incoming), &missing, hex);
        format_text(c->line, sizeof(c->line), "the repository is not whole: object %s: %s", hex,
                    err_text(e));
        c->whole = true;
        content_finish(c, e);
    }
}

/* All objects of c->commit are in c->incoming: checks that, dates the files, makes the pages. */
void content_build(struct content *c)
{
    c->phase = CONTENT_BUILDING;
    check(c);
}

/* --- the beginning of an update --- */

static void attempt(struct content *c)
{
    c->phase = CONTENT_FETCHING;
    c->again = false;
    c->next_at = 0;
    c->asked_at = clock_wall();
    c->began = clock_monotonic();
    c->progress_said = c->began;
    wake_at(c, NEVER);
    for (struct list *link; (link = list_shift(&c->waiting_next));)
        list_append(&c->waiting, link);
    enum err e = incoming_fetch(c);
    if (e != OK)
        content_finish(c, e);
}

/* --- the image's own --- */

static void read_image(struct content *c)
{
    struct slice bundle = c->bundle;
    c->bundle = (struct slice){NULL, 0};
    c->began = clock_monotonic();
    c->progress_said = c->began;
    enum err e = incoming_baked(c, bundle);
    if (e != OK)
        content_finish(c, e);
}

/* Where its pages are served already, those come first who wait for one. */
static void begin_with_image(struct content *c, struct slice printed)
{
    c->phase = CONTENT_FETCHING;
    if (stand_in_serve(c, printed))
        wake_after(c, CONTENT_READ_AFTER);
    else
        read_image(c);
}

static void on_timer(struct timer *t)
{
    struct content *c = CONTAINER(t, struct content, timer);
    wake_at(c, NEVER); /* it takes the place that it has just left */
    if (c->bundle.ptr)
        read_image(c);
    else if (c->phase == CONTENT_TIDYING)
        tidy(c);
    else if (c->phase == CONTENT_IDLE)
        attempt(c);
}

enum err content_update(struct content *c, struct content_waiter *w)
{
    enum err e = OK;
    if (w)
        list_init(&w->link);
    if (c->settings->remote.len == 0)
        return ERR_NOT_FOUND;
    if (c->stopped)
        return ERR_CANCELLED;
    if (w) {
        if (c->waiters < CONTENT_WAITERS_MAX) {
            c->waiters++;
            list_append(&c->waiting_next, &w->link);
        } else {
            e = ERR_FULL;
        }
    }
    if (c->phase == CONTENT_IDLE)
        attempt(c);
    else
        c->again = true;
    return e;
}

void content_forget(struct content *c, struct content_waiter *w)
{
    if (list_empty(&w->link))
        return;
    list_remove(&w->link);
    c->waiters--;
}

static void init(struct content *c, const struct content_given *given)
{
    *c = (struct content){
        .stack = given->stack,
        .settings = given->settings,
        .trust = given->trust,
        .on_loaded = given->on_loaded,
    };
    list_init(&c->waiting);
    list_init(&c->waiting_next);
    task_init(&c->turn, on_turn);
    timer_init(&c->timer, on_timer);
    c->options = (struct site_options){
        .name = given->settings->name,
        .index = given->settings->index,
        .raw_html = !given->settings->no_html,
        .assets = given->assets,
        .asset_count = given->asset_count,
    };
    entropy_fill(&c->options.secret, sizeof(c->options.secret));
}

enum err content_start(struct content *c, const struct content_given *given)
{
    bool remote = given->settings->remote.len > 0;
    init(c, given);
    if (given->baked.len == 0 && !remote) {
        log_error("content", "there is nothing to serve: neither a remote (-r URL) nor content "
                             "that was baked in (ringlet configure --content REPOSITORY)");
        return ERR_ARGUMENT;
    }
    if (!timer_start(&c->timer, NEVER))
        return ERR_MEMORY;
    if (given->baked.len == 0) {
        attempt(c);
        return OK;
    }
    c->again = remote; /* when the baked content is up, ask for news */
    c->bundle = given->baked;
    begin_with_image(c, given->prepared);
    return OK;
}

void content_stop(struct content *c)
{
    c->stopped = true;
    timer_stop(&c->timer);
    drop_incoming(c);
    c->phase = CONTENT_IDLE;
    c->again = false;
    answer_all(c, &c->waiting, ERR_CANCELLED);
    answer_all(c, &c->waiting_next, ERR_CANCELLED);
}

void content_release(struct content *c)
{
    site_free(c->gone);
    site_free(c->site);
    history_release(&c->history);
    store_close(c->store);
    c->gone = NULL;
    c->site = NULL;
    c->store = NULL;
    c->history = (struct history){0};
}
