/*
 * Created and changed, against stock git: for every file of random histories, what `git log` says.
 *
 * With RINGLET_TEST_REPOSITORY=PATH a repository of your own is compared, too.
 */
#include "lib/store/history.h"
#include "platform/sim/sim.h"
#include "tests/support/blocks.h"
#include "tests/support/pack.h"
#include "tests/support/shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* --- random histories ------------------------------------------------------------------------- */

#define COMMITS 60
#define PATHS   14

/* A file stands where a folder stood, and the other way round; names that sort oddly. */
static const char *const names[PATHS] = {
    "a", "a-b",     "a.c",   "b/one", "b/two",   "b/c/deep", "b-",
    "d", "d/below", "e/f/g", "e/f/h", "e/other", "sp ace/x", "\303\274/\303\244"};

/* When commits were made, by their own words: in their order, now and then not, at any time. */
enum clocks { RIGHT, WRONG, WILD };

struct tree {
    unsigned blob[PATHS]; /* 0: no such file */
};

static bool folder_of(const char *file, const char *other)
{
    size_t n = strlen(file);
    return strncmp(file, other, n) == 0 && other[n] == '/';
}

/* A path is a file or a folder, not both. */
static void put_file(struct tree *t, unsigned path, unsigned blob)
{
    for (unsigned i = 0; blob && i < PATHS; i++) {
        if (folder_of(names[i], names[path]) || folder_of(names[path], names[i]))
            t->blob[i] = 0;
    }
    t->blob[path] = blob;
}

static void change(struct sim_random *r, struct tree *t)
{
    unsigned count = (unsigned)sim_random_range(r, 0, 3);
    for (unsigned i = 0; i < count; i++) {
        unsigned path = (unsigned)sim_random_range(r, 0, PATHS - 1);
        /* Few contents, so that files come back to what they were and are the same by chance. */
        unsigned blob = (unsigned)sim_random_range(r, 1, 5);
        put_file(t, path, sim_random_chance(r, 20) ? 0 : blob);
    }
}

static void merge(struct sim_random *r, struct tree *t, const struct tree *other)
{
    unsigned kind = (unsigned)sim_random_range(r, 0, 3);
    if (kind == 0) /* -s ours */
        return;
    for (unsigned i = 0; i < PATHS; i++) {
        if (kind == 1 || sim_random_chance(r, 50))
            put_file(t, i, other->blob[i]);
    }
    for (unsigned i = 0; kind == 3 && i < 3; i++) /* neither side's */
        change(r, t);
}

static void write_commit(FILE *f, const struct tree *t, unsigned number, int64_t author,
                         int64_t committer, const unsigned *parents, unsigned parent_count)
{
    fprintf(f,
            "commit refs/heads/main\nmark :%u\nauthor A <a> %lld +0000\n"
            "committer C <c> %lld +0000\ndata 0\n",
            number, (long long)author, (long long)committer);
    for (unsigned i = 0; i < parent_count; i++)
        fprintf(f, "%s :%u\n", i == 0 ? "from" : "merge", parents[i]);
    fprintf(f, "deleteall\n");
    for (unsigned i = 0; i < PATHS; i++) {
        if (t->blob[i])
            fprintf(f, "M 100644 inline \"%s\"\ndata 2\n%u\n\n", names[i], t->blob[i]);
    }
}

static void write_one(FILE *f, struct sim_random *r, struct tree *trees, unsigned i,
                      enum clocks clocks)
{
    unsigned parents[4];
    unsigned count = 0;
    int64_t committer = 1000000 + (int64_t)i * 1000;
    if (clocks == WILD)
        committer = 1000000 + (int64_t)sim_random_range(r, 0, COMMITS) * 1000 + (int64_t)i;
    else if (clocks == WRONG)
        committer += (int64_t)sim_random_range(r, 0, 20) * 1000 - 10000 + (int64_t)i;
    if (i > 1 && !sim_random_chance(r, 12)) { /* else another root */
        parents[count++] = (unsigned)sim_random_range(r, i > 8 ? i - 8 : 1, i - 1);
        trees[i] = trees[parents[0]];
        while (count < 4 && sim_random_chance(r, count == 1 ? 35 : 20)) {
            unsigned parent = (unsigned)sim_random_range(r, i > 30 ? i - 30 : 1, i - 1);
            merge(r, &trees[i], &trees[parent]);
            parents[count++] = parent;
        }
    }
    if (count < 2)
        change(r, &trees[i]);
    if (count == 0) {
        fprintf(f, "reset refs/heads/main\n\n");
        put_file(&trees[i], (unsigned)sim_random_range(r, 0, PATHS - 1), 3);
    }
    write_commit(f, &trees[i], i, 500000 + (int64_t)sim_random_range(r, 0, 100000), committer,
                 parents, count);
}

/* The last commit takes in others from all over, and alters many files: they are followed to all of
 * its parents, and the order of commits tells which one was the first. */
static void write_last(FILE *f, struct sim_random *r, struct tree *trees, unsigned i)
{
    unsigned parents[4];
    for (unsigned n = 0; n < 4; n++)
        parents[n] = (unsigned)sim_random_range(r, 1 + n * (i - 1) / 4, (n + 1) * (i - 1) / 4);
    trees[i] = trees[parents[0]];
    for (unsigned n = 0; n < 6; n++)
        change(r, &trees[i]);
    write_commit(f, &trees[i], i, 700000, 2000000, parents, 4);
}

static void make_history(const char *repo, uint64_t seed, enum clocks clocks)
{
    struct sim_random r;
    struct tree trees[COMMITS + 1] = {{{0}}};
    char command[256];
    sim_random_seed(&r, seed);
    shell("rm -rf %s.git && git init -q --bare %s.git", repo, repo);
    snprintf(command, sizeof(command), "git -C %s/%s.git fast-import --quiet --force", scratch(),
             repo);
    FILE *f = popen(command, "w");
    assert_non_null(f);
    for (unsigned i = 1; i <= COMMITS; i++) {
        if (i < COMMITS)
            write_one(f, &r, trees, i, clocks);
        else
            write_last(f, &r, trees, i);
        fprintf(f, "reset refs/heads/c%u\nfrom :%u\n\n", i, i);
    }
    assert_int_equal(pclose(f), 0);
}

/* --- comparing --------------------------------------------------------------------------------- */

static struct store *load(const char *repo)
{
    repo_pack(repo, "pack", "", "--all");
    struct slice pack = file_read("pack");
    struct store *s = store_open(OID_SHA1, NULL);
    assert_int_equal(pack_feed(s, pack, 0, NULL), OK);
    file_free(pack);
    return s;
}

/* git's answer: the first and the last line of its log of one path. */
static void ask_git(const char *repo, const char *rev, struct slice path, int64_t *created,
                    int64_t *changed)
{
    char file[256];
    long long when;
    shell("git -C %s.git --literal-pathspecs log --format=%%at %s -- '%.*s' > log", repo, rev,
          SLICE_ARG(path));
    snprintf(file, sizeof(file), "%s/log", scratch());
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    *created = -1;
    *changed = -1;
    while (fscanf(f, "%lld", &when) == 1) {
        *created = when;
        if (*changed == -1)
            *changed = when;
    }
    fclose(f);
}

static void compare(const char *repo, const char *rev, const struct history *h)
{
    for (size_t i = 0; i < h->count; i++) {
        int64_t created;
        int64_t changed;
        ask_git(repo, rev, h->files[i].path, &created, &changed);
        if (h->files[i].created != created || h->files[i].changed != changed)
            fail_msg("%s %s %.*s: %lld %lld, git says %lld %lld", repo, rev,
                     SLICE_ARG(h->files[i].path), (long long)h->files[i].created,
                     (long long)h->files[i].changed, (long long)created, (long long)changed);
        assert_true(i == 0 || slice_compare(h->files[i - 1].path, h->files[i].path) < 0);
        assert_ptr_equal(history_find(h, h->files[i].path), &h->files[i]);
    }
}

static void same_answers(const struct history *a, const struct history *b)
{
    assert_int_equal(a->count, b->count);
    assert_true(oid_equal(&a->root, &b->root));
    for (size_t i = 0; i < a->count; i++) {
        assert_true(slice_equal(a->files[i].path, b->files[i].path));
        assert_true(oid_equal(&a->files[i].blob, &b->files[i].blob));
        if (a->files[i].created != b->files[i].created ||
            a->files[i].changed != b->files[i].changed)
            fail_msg("%.*s: %lld %lld, else %lld %lld", SLICE_ARG(a->files[i].path),
                     (long long)a->files[i].created, (long long)a->files[i].changed,
                     (long long)b->files[i].created, (long long)b->files[i].changed);
    }
}

static void as_git_log_says(const char *repo, unsigned histories, uint64_t seed, enum clocks clocks)
{
    for (unsigned n = 0; n < histories; n++) {
        make_history(repo, seed + n, clocks);
        struct store *s = load(repo);
        struct oid commit = repo_commit(repo, OID_SHA1, "main");
        struct history h;
        assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
        compare(repo, "main", &h);
        history_release(&h);
        store_close(s);
    }
}

static void random_histories(void **state)
{
    (void)state;
    as_git_log_says("random", 12, 100, RIGHT);
}

static void histories_with_wrong_clocks(void **state)
{
    (void)state;
    as_git_log_says("skewed", 4, 200, WRONG);
    as_git_log_says("wild", 4, 250, WILD);
}

/* From any commit on, whether it is an ancestor or not: the same as without knowing it. */
static void on_from_what_is_known(void **state)
{
    (void)state;
    for (uint64_t seed = 300; seed < 312; seed++) {
        make_history("known", seed, seed % 3 == 0 ? WILD : seed % 3 == 1 ? WRONG : RIGHT);
        struct store *s = load("known");
        for (unsigned i = 1; i <= COMMITS; i += 3) {
            char rev[16];
            struct history all;
            struct history old;
            struct history on;
            snprintf(rev, sizeof(rev), "c%u", i);
            struct oid from = repo_commit("known", OID_SHA1, rev);
            struct oid commit = repo_commit("known", OID_SHA1, i % 2 ? "main" : "c58");
            assert_int_equal(history_walk(s, &commit, NULL, &all), OK);
            assert_int_equal(history_walk(s, &from, NULL, &old), OK);
            assert_int_equal(history_walk(s, &commit, &old, &on), OK);
            assert_true(on.walked <= all.walked);
            same_answers(&on, &all);
            history_release(&all);
            history_release(&old);
            history_release(&on);
        }
        store_close(s);
    }
}

/* --- single cases ------------------------------------------------------------------------------ */

static const char commit_lines[] = "commit refs/heads/main\nauthor A <a> %d +0000\n"
                                   "committer C <c> %d +0000\ndata 0\n";

static FILE *importer(const char *repo)
{
    char command[256];
    shell("rm -rf %s.git && git init -q --bare %s.git", repo, repo);
    snprintf(command, sizeof(command), "git -C %s/%s.git fast-import --quiet", scratch(), repo);
    FILE *f = popen(command, "w");
    assert_non_null(f);
    return f;
}

static void a_mode_alone_is_no_change(void **state)
{
    (void)state;
    FILE *f = importer("mode");
    fprintf(f, commit_lines, 1000, 1000);
    fprintf(f, "M 100644 inline run\ndata 2\nx\n\nM 100644 inline gone\ndata 0\n\n");
    fprintf(f, commit_lines, 2000, 2000);
    fprintf(f, "M 100755 inline run\ndata 2\nx\n\nD gone\n");
    assert_int_equal(pclose(f), 0);
    struct store *s = load("mode");
    struct oid commit = repo_commit("mode", OID_SHA1, "main");
    struct history h;
    assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
    assert_int_equal(h.count, 1);
    assert_null(history_find(&h, SLICE("gone")));
    assert_int_equal(h.files[0].mode, GIT_MODE_EXEC);
    assert_int_equal(h.files[0].created, 1000);
    assert_int_equal(h.files[0].changed, 1000);
    assert_int_equal(h.walked, 2);
    struct oid root = repo_commit("mode", OID_SHA1, "main~1");
    assert_true(oid_equal(&h.root, &root));
    history_release(&h);
    store_close(s);
}

static void links_are_files_and_submodules_are_not(void **state)
{
    (void)state;
    FILE *f = importer("kinds");
    fprintf(f, commit_lines, 1000, 1000);
    fprintf(f, "M 120000 inline link\ndata 1\nx\nM 160000 %040d sub\nM 100644 inline z\ndata 0\n\n",
            7);
    assert_int_equal(pclose(f), 0);
    struct store *s = load("kinds");
    struct oid commit = repo_commit("kinds", OID_SHA1, "main");
    struct oid missing;
    struct history h;
    assert_int_equal(store_check(s, &commit, NULL, &missing), OK);
    assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
    assert_int_equal(h.count, 2);
    assert_int_equal(h.files[0].mode, GIT_MODE_LINK);
    assert_true(slice_is(h.files[1].path, "z"));
    history_release(&h);
    store_close(s);
}

static void a_commit_without_files(void **state)
{
    (void)state;
    FILE *f = importer("empty");
    fprintf(f, commit_lines, 1000, 1000);
    assert_int_equal(pclose(f), 0);
    struct store *s = load("empty");
    struct oid commit = repo_commit("empty", OID_SHA1, "main");
    struct history h;
    assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
    assert_int_equal(h.count, 0);
    assert_true(oid_equal(&h.root, &commit));
    history_release(&h);
    store_close(s);
}

static void too_deep_and_not_there(void **state)
{
    (void)state;
    FILE *f = importer("deep");
    fprintf(f, commit_lines, 1000, 1000);
    fprintf(f, "M 100644 inline ");
    for (unsigned i = 0; i < STORE_PATH_DEPTH_MAX + 1; i++)
        fprintf(f, "d/");
    fprintf(f, "f\ndata 0\n\n");
    assert_int_equal(pclose(f), 0);
    struct store *s = load("deep");
    struct oid commit = repo_commit("deep", OID_SHA1, "main");
    struct oid nothing = {{1}};
    struct history h;
    assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
    assert_int_equal(h.count, 1);
    assert_int_equal(h.files[0].mode, GIT_MODE_TREE);
    history_release(&h);
    assert_int_equal(history_walk(s, &nothing, NULL, &h), ERR_NOT_FOUND);
    struct git_entry e;
    char path[2 * STORE_PATH_DEPTH_MAX + 4];
    for (unsigned i = 0; i < sizeof(path); i++)
        path[i] = i % 2 ? '/' : 'd';
    assert_int_equal(store_path(s, &commit, slice_of(path, 2 * STORE_PATH_DEPTH_MAX - 1), &e), OK);
    assert_int_equal(store_path(s, &commit, slice_of(path, 2 * STORE_PATH_DEPTH_MAX + 1), &e),
                     ERR_LIMIT);
    store_close(s);
}

static void without_memory(void **state)
{
    (void)state;
    make_history("memory", 400, false);
    struct store *s = load("memory");
    struct oid commit = repo_commit("memory", OID_SHA1, "main");
    struct oid middle = repo_commit("memory", OID_SHA1, "c40");
    struct history old;
    struct history h;
    assert_int_equal(history_walk(s, &middle, NULL, &old), OK);
    enum err e = ERR_MEMORY;
    for (unsigned n = 1; e != OK; n++) {
        sim_memory_fail_nth(n);
        e = history_walk(s, &commit, &old, &h);
        sim_memory_fail_nth(0);
        assert_true(e == OK || e == ERR_MEMORY);
    }
    history_release(&h);
    history_release(&old);
    store_close(s);
}

static void a_repository_of_ones_own(void **state)
{
    (void)state;
    const char *path = getenv("RINGLET_TEST_REPOSITORY");
    if (path == NULL)
        skip();
    shell("rm -rf own.git && git clone -q --bare '%s' own.git", path);
    struct store *s = load("own");
    struct oid commit = repo_commit("own", OID_SHA1, "HEAD");
    struct history h;
    assert_int_equal(history_walk(s, &commit, NULL, &h), OK);
    compare("own", "HEAD", &h);
    printf("%zu files, %u commits walked\n", h.count, h.walked);
    history_release(&h);
    store_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_histories, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(histories_with_wrong_clocks, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(on_from_what_is_known, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(a_mode_alone_is_no_change, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(links_are_files_and_submodules_are_not, blocks_before,
                                        blocks_after),
        cmocka_unit_test_setup_teardown(a_commit_without_files, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(too_deep_and_not_there, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(without_memory, blocks_before, blocks_after),
        cmocka_unit_test_setup_teardown(a_repository_of_ones_own, blocks_before, blocks_after),
    };
    return cmocka_run_group_tests_name("store history", tests, NULL, NULL);
}
