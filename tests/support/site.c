/* See site.h. */
#include "tests/support/site.h"

#include "lib/site/internal.h"
#include "tests/support/pack.h"
#include "tests/support/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ensure(what)                                                             \
    do {                                                                         \
        if (!(what)) {                                                           \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                             \
        }                                                                        \
    } while (0)

const struct site_options SITE_PLAIN = {.raw_html = true, .secret = {1, 2}};

/* --- the repository --- */

static void file_path(char into[1024], const char *path)
{
    snprintf(into, 1024, "%s/work/%s", scratch(), path);
}

void work_begin(void)
{
    shell("rm -rf work && git init -q -b main work");
}

static void make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(path, 0755);
        *slash = '/';
    }
}

void work_put(const char *path, struct slice bytes)
{
    char full[1024];
    file_path(full, path);
    make_folders(full);
    FILE *f = fopen(full, "wb");
    ensure(f && fwrite(bytes.ptr, 1, bytes.len, f) == bytes.len);
    ensure(fclose(f) == 0);
}

void work_text(const char *path, const char *text)
{
    work_put(path, slice_text(text));
}

void work_remove(const char *path)
{
    char full[1024];
    file_path(full, path);
    ensure(unlink(full) == 0);
}

void work_commit(int64_t when)
{
    shell("cd work && git add -A && GIT_AUTHOR_DATE='%lld +0000' GIT_COMMITTER_DATE='%lld +0000' "
          "git commit -q --allow-empty -m change",
          (long long)when, (long long)when);
}

/* --- what the program sees of it --- */

void content_load(struct content *c)
{
    shell("cd work && git pack-objects -q --all --stdout </dev/null >../work.pack");
    struct slice pack = file_read("work.pack");
    ensure(c->store = store_open(OID_SHA1, NULL));
    ensure(pack_feed(c->store, pack, 0, NULL) == OK);
    file_free(pack);
    struct oid commit;
    ensure(
        oid_from_hex(OID_SHA1, slice_text(shell_output("cd work && git rev-parse HEAD")), &commit));
    ensure(history_walk(c->store, &commit, NULL, &c->history) == OK);
}

void content_free(struct content *c)
{
    history_release(&c->history);
    store_close(c->store);
}

static struct site *build(const struct content *c, const struct site *previous,
                          const struct site_options *options)
{
    struct site_build *b;
    enum err e;
    ensure(site_build_begin(c->store, &c->history, previous, options ? options : &SITE_PLAIN, &b) ==
           OK);
    while ((e = site_build_step(b, 1000)) == ERR_AGAIN) {
        uint32_t done, total;
        site_build_progress(b, &done, &total);
        ensure(done <= total);
    }
    ensure(e == OK);
    struct site *s = site_build_end(b);
    ensure(s);
    return s;
}

struct site *site_begin(const struct content *c, const struct site *previous)
{
    return build(c, previous, NULL);
}

struct site *site_make(const struct content *c, const struct site *previous,
                       const struct site_options *options)
{
    struct site *s = build(c, previous, options);
    enum err e;
    while ((e = site_finish(s, 1000)) == ERR_AGAIN)
        ;
    ensure(e == OK);
    return s;
}

struct site *site_of_work(const struct site_options *options)
{
    struct content c;
    content_load(&c);
    struct site *s = site_make(&c, NULL, options);
    content_free(&c);
    return s;
}

static const char *as_text(struct slice bytes)
{
    static char *text;
    free(text);
    ensure(text = calloc(1, bytes.len + 1));
    if (bytes.len)
        memcpy(text, bytes.ptr, bytes.len);
    return text;
}

const char *body_of(const struct site *s, const char *path)
{
    const struct site_page *p = site_find(s, slice_text(path));
    return p ? as_text(p->body) : NULL;
}

const char *fields_of(const struct site *s, const char *path)
{
    const struct site_page *p = site_find(s, slice_text(path));
    return p ? as_text(p->fields) : NULL;
}

static bool same_pages(struct slice path, struct site_page *a, struct site_page *b)
{
    ensure(site_page_unpack(a) == OK && (!b || site_page_unpack(b) == OK));
    bool same = b && slice_equal(a->body, b->body) && slice_equal(a->fields, b->fields) &&
                slice_equal(a->gzip, b->gzip) && slice_equal(a->gzip_fields, b->gzip_fields) &&
                a->status == b->status && a->modified == b->modified;
    if (!same)
        fprintf(stderr, "%.*s differs:\n%.*s%.*s\n---\n%.*s%.*s\n", SLICE_ARG(path),
                SLICE_ARG(a->fields), SLICE_ARG(a->body), SLICE_ARG(b ? b->fields : SLICE("none")),
                SLICE_ARG(b ? b->body : SLICE("")));
    return same;
}

bool same_sites(const struct site *a, const struct site *b)
{
    size_t at = 0;
    for (struct map_entry *e; (e = map_next(&a->pages, &at));)
        if (!same_pages(e->key, e->value, site_find(b, e->key)))
            return false;
    for (size_t i = 0; i < ERROR_PAGES; i++)
        if (!same_pages(SLICE("error"), a->errors[i], b->errors[i]))
            return false;
    return a->pages.count == b->pages.count && a->problem_count == b->problem_count;
}
