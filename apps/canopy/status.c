/* See status.h. One "name: value" a line, so that a script can read it too. */
#include "apps/canopy/status.h"

#include "apps/canopy/plain.h"
#include "apps/canopy/problem.h"
#include "apps/canopy/secure.h"
#include "lib/date/text.h"
#include "lib/git/url.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/console.h"
#include "signatures/memory.h"

#define ULL(x) ((unsigned long long)(x))

static void put_time(struct buf *b, const char *name, int64_t wall)
{
    char text[DATE_RFC3339_LEN + 1] = "never";
    if (wall != 0)
        date_rfc3339_format(wall / (int64_t)CLOCK_SEC, text);
    buf_printf(b, "%s: %s\n", name, text);
}

static void put_problems(struct buf *b, const struct site *site)
{
    size_t count;
    const struct site_problem *problems = site_problems(site, &count);
    for (size_t i = 0; i < count; i++) {
        buf_text(b, "mend: ");
        problem_put(b, &problems[i]);
        buf_byte(b, '\n');
    }
    uint32_t all = site_stats(site).problems;
    if (all > count)
        buf_printf(b, "mend: and %u more\n", (uint32_t)(all - count));
}

void status_update(struct buf *b, const struct web *w)
{
    const struct content *c = w->content;
    buf_printf(b, "update: %s\n", c->line[0] ? c->line : "none yet");
    if (c->site)
        put_problems(b, c->site);
    if (w->secure)
        secure_problems(w->secure, b);
}

static void put_remote(struct buf *b, const struct canopy_settings *settings)
{
    struct git_url url;
    const char *why;
    if (settings->remote.len == 0 || git_url_parse(settings->remote, &url, &why) != OK)
        return;
    buf_text(b, "remote: ");
    git_url_put(b, &url);
    if (url.branch.len > 0)
        buf_printf(b, "#%.*s", SLICE_ARG(url.branch));
    buf_byte(b, '\n');
}

static void put_store(struct buf *b, const struct store *s)
{
    struct store_stats store = store_stats(s);
    buf_printf(b, "objects: %u\npacks: %u\npack bytes: %llu\ncached bytes: %llu\n", store.objects,
               store.packs, ULL(store.pack_bytes), ULL(store.cached_bytes));
}

static void put_site(struct buf *b, const struct site *s)
{
    char hex[OID_HEX_MAX];
    enum oid_kind kind;
    struct site_stats site = site_stats(s);
    const struct oid *commit = site_commit(s, &kind);
    oid_to_hex(kind, commit, hex);
    buf_printf(b, "commit: %s\npages: %u\npage bytes: %llu\narticles: %u\nproblems: %u\n", hex,
               site.pages, ULL(site.bytes), site.articles, site.problems);
}

/* With a failure behind it, or where the remote is polled. */
static void put_next(struct buf *b, const struct content *c)
{
    uint64_t now = clock_monotonic();
    if (c->next_at > 0)
        buf_printf(b, "asks again in seconds: %llu\n",
                   ULL(c->next_at > now ? (c->next_at - now + CLOCK_SEC - 1) / CLOCK_SEC : 0));
}

static void put_content(struct buf *b, const struct content *c)
{
    static const char *const phases[] = {"idle", "fetching", "building", "tidying"};
    put_remote(b, c->settings);
    buf_printf(b, "phase: %s\n", phases[c->phase]);
    put_time(b, "asked", c->asked_at);
    put_next(b, c);
    put_time(b, "loaded", c->loaded_at);
    buf_printf(b, "updates: %llu\nfailed updates: %llu\nfailed in a row: %u\n", ULL(c->updates),
               ULL(c->failed), c->failures);
    if (c->site)
        put_site(b, c->site);
    if (c->store)
        put_store(b, c->store);
}

static void put_http(struct buf *b, const struct http_counters *http)
{
    buf_printf(b,
               "connections: %u\npeak connections: %u\naccepted: %llu\nshed: %llu\nrefused: %llu\n"
               "bodies refused: %llu\n"
               "requests: %llu\nresponses 2xx: %llu\nresponses 3xx: %llu\nresponses 4xx: %llu\n"
               "responses 5xx: %llu\nmalformed: %llu\ntimeouts: %llu\nlost: %llu\n"
               "body bytes: %llu\n",
               http->open, http->peak, ULL(http->accepted), ULL(http->shed), ULL(http->refused),
               ULL(http->bodies_refused), ULL(http->requests), ULL(http->responses_2xx),
               ULL(http->responses_3xx), ULL(http->responses_4xx), ULL(http->responses_5xx),
               ULL(http->malformed), ULL(http->timeouts), ULL(http->lost), ULL(http->body_bytes));
}

/* The port that sends readers on to HTTPS. */
static void put_plain(struct buf *b, const struct http_counters *http)
{
    buf_printf(b, "plain connections: %u\nplain requests: %llu\nplain malformed: %llu\n",
               http->open, ULL(http->requests), ULL(http->malformed));
}

static void put_memory(struct buf *b)
{
    struct memory_stats memory = memory_stats();
    if (memory.total > 0)
        buf_printf(b, "memory total: %llu\n", ULL(memory.total));
    buf_printf(b,
               "memory bytes: %llu\nmemory blocks: %llu\nmemory peak: %llu\nmemory refused: %llu\n",
               ULL(memory.bytes), ULL(memory.blocks), ULL(memory.peak), ULL(memory.refused));
}

void status_whole(struct buf *b, const struct web *w)
{
    buf_printf(b, "uptime seconds: %llu\n", ULL((clock_monotonic() - w->started) / CLOCK_SEC));
    status_update(b, w);
    put_content(b, w->content);
    put_http(b, http_service_counters(w->service));
    if (w->plain)
        put_plain(b, http_service_counters(w->plain->service));
    if (w->secure)
        secure_status(w->secure, b);
    put_memory(b);
    buf_printf(b, "timers: %u\n", loop_timers());
    stack_status(w->content->stack, b);
    console_status(b);
}
