/*
 * What a push costs after the fetch: `site_update [ARTICLES]` makes a repository of so many articles
 * (2000) with stock git, then one commit that changes one of them, and prints milliseconds for the
 * site from nothing, for its slowest step, and for the site of the second commit beside the first; each of
 * them until it can be served, and until its pages are finished.
 */
#include "lib/site/site.h"
#include "signatures/clock.h"
#include "signatures/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEP        (256u << 10) /* both as the program's own */
#define FINISH_STEP (8u << 10)
#define ROUNDS      5

static char folder[] = "/tmp/site_update-XXXXXX";

static void fail(const char *what)
{
    fprintf(stderr, "site_update: %s\n", what);
    exit(1);
}

static void run(const char *command)
{
    char full[1024];
    snprintf(full, sizeof full, "cd %s && %s", folder, command);
    if (system(full) != 0)
        fail(command);
}

/* --- the repository --- */

static void put_file(FILE *f, const char *path, const char *text)
{
    fprintf(f, "M 100644 inline %s\ndata %zu\n%s\n", path, strlen(text), text);
}

/* About 2.5 KB, with what articles have. */
static void put_article(FILE *f, int number, const char *title)
{
    static char text[8192];
    char path[64];
    char *at = text;
    at += sprintf(at,
                  "---\ntitle: %s %d\nauthor: Ada\ntags: tag%d, tag%d\nabstract: The *%d*th "
                  "of many articles, with an abstract of one line.\n---\n\n",
                  title, number, number % 40, number % 7, number);
    for (int i = 0; i < 6; i++)
        at +=
            sprintf(at,
                    "## Part %d\n\nParagraph %d of article %d has *some* words, [a link](/About), "
                    "`code`, and goes on for a while, as paragraphs do, until it ends.\n\n- one\n"
                    "- two\n\n```c\nint x%d = %d;\n```\n\n",
                    i, i * number, number, i, number * 31 + i);
    snprintf(path, sizeof path, "Posts/article-%05d", number);
    put_file(f, path, text);
}

static void put_commit(FILE *f, long when)
{
    fprintf(f, "commit refs/heads/main\ncommitter A <a@b.example> %ld +0000\ndata 1\nx\n", when);
}

static void make_repository(int articles)
{
    char command[256];
    if (!mkdtemp(folder))
        fail("no scratch folder");
    snprintf(command, sizeof command, "git init -q --bare %s && git -C %s fast-import --quiet",
             folder, folder);
    FILE *f = popen(command, "w");
    if (!f)
        fail("no git");
    for (int i = 0; i < articles; i++) {
        put_commit(f, 1700000000 + i * 3600L);
        put_article(f, i, "Article");
        if (i == 0)
            put_file(f, "About", "title: About\n---\nText.\n");
    }
    put_commit(f, 1800000000);
    put_article(f, articles / 2, "Changed");
    if (pclose(f) != 0)
        fail("git fast-import");
    run("git rev-parse main~1 main >commits && git pack-objects -q --all --stdout </dev/null "
        ">pack");
}

static FILE *open_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f)
        fail(path);
    return f;
}

static struct store *load(void)
{
    static uint8_t piece[64 << 10];
    struct store *s = store_open(OID_SHA1, NULL);
    struct store_pack *p;
    size_t n;
    FILE *f = open_file("pack");
    if (!s || store_pack_begin(s, &p) != OK)
        fail("no store");
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        store_pack_feed(p, slice_of(piece, n));
    fclose(f);
    if (store_pack_end(p, NULL) != OK)
        fail("the pack is not taken");
    return s;
}

/* --- measuring --- */

static double ms_since(uint64_t start)
{
    return (double)(clock_monotonic() - start) / 1e6;
}

struct times {
    double all, slowest, finished;
};

static struct site *build(struct store *s, const struct history *h, const struct site *previous,
                          struct times *times)
{
    static const struct site_options options = {
        .index = SLICE_INIT("Posts"), .raw_html = true, .secret = {1, 2}};
    struct site_build *b;
    uint64_t start = clock_monotonic();
    *times = (struct times){0, 0, 0};
    enum err e = site_build_begin(s, h, previous, &options, &b);
    if (e != OK)
        fail(err_text(e));
    do {
        uint64_t step = clock_monotonic();
        e = site_build_step(b, STEP);
        if (ms_since(step) > times->slowest)
            times->slowest = ms_since(step);
    } while (e == ERR_AGAIN);
    struct site *made = site_build_end(b);
    times->all = ms_since(start);
    if (!made)
        fail(err_text(e));
    while ((e = site_finish(made, FINISH_STEP)) == ERR_AGAIN)
        ;
    times->finished = ms_since(start);
    return made;
}

static void report(const char *what, double ms)
{
    printf("%-36s %8.2f ms\n", what, ms);
}

static void measure(struct store *s, const struct history *first, const struct history *second)
{
    struct times full, update, best_full = {1e9, 1e9, 1e9}, best = {1e9, 1e9, 1e9};
    struct site_stats stats;
    for (int i = 0; i < ROUNDS; i++) {
        struct site *one = build(s, first, NULL, &full);
        struct site *two = build(s, second, one, &update);
        stats = site_stats(two);
        uint64_t start = clock_monotonic();
        site_free(one);
        double freed = ms_since(start);
        site_free(two);
        best_full = full.all < best_full.all ? full : best_full;
        best = update.all < best.all ? update : best;
        if (i == ROUNDS - 1)
            report("giving a generation back", freed);
    }
    report("site from nothing", best_full.all);
    report("its slowest step", best_full.slowest);
    report("until all pages are finished", best_full.finished);
    report("site after one change", best.all);
    report("its slowest step", best.slowest);
    report("until all pages are finished", best.finished);
    printf("pages %u, made %u, reused %u, %.1f MB\n", stats.pages, stats.made, stats.reused,
           (double)stats.bytes / 1e6);
}

int main(int argc, char **argv)
{
    char hex[2][128];
    struct oid commits[2];
    struct history h[2];
    make_repository(argc > 1 ? atoi(argv[1]) : 2000);
    FILE *f = open_file("commits");
    for (int i = 0; i < 2; i++) {
        if (!fgets(hex[i], sizeof hex[i], f) ||
            !oid_from_hex(OID_SHA1, slice_take(slice_text(hex[i]), 40), &commits[i]))
            fail("no commits");
    }
    fclose(f);
    struct store *s = load();
    for (int i = 0; i < 2; i++)
        if (history_walk(s, &commits[i], NULL, &h[i]) != OK)
            fail("no history");
    measure(s, &h[0], &h[1]);
    history_release(&h[0]);
    history_release(&h[1]);
    store_close(s);
    printf("blocks left %llu\n", (unsigned long long)memory_stats().blocks);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) == 0 ? 0 : 1;
}
