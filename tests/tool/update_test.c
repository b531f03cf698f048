/*
 * Fetching again, over real sockets, from stock git's daemon: only what is new comes, and it is
 * whole together with what was there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/git/fetch.h"
#include "lib/store/store.h"
#include "platform/process/stack.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"
#include "tests/support/shell.h"

struct owner {
    struct store *store;
    struct store_pack *pack;
    struct oid have; /* what the store holds, if has */
    bool has;
    struct oid commit;
    uint64_t bytes; /* of the latest pack */
    enum err why;
    char line[GIT_ERROR_MAX];
};

static struct child daemon_child;
static unsigned port;

static enum err on_head(void *owner, const struct git_head *head)
{
    struct owner *o = owner;
    if (o->has && store_kind(o->store) == head->kind && oid_equal(&o->have, &head->commit))
        return ERR_EXISTS;
    if (o->store && store_kind(o->store) != head->kind) {
        store_close(o->store);
        o->store = NULL;
    }
    if (!o->store)
        o->store = store_open(head->kind, NULL);
    o->commit = head->commit;
    return store_pack_begin(o->store, &o->pack);
}

static enum err on_pack(void *owner, struct slice bytes)
{
    struct owner *o = owner;
    o->bytes += bytes.len;
    return store_pack_feed(o->pack, bytes);
}

static void on_done(void *owner, enum err why, struct slice line)
{
    struct owner *o = owner;
    o->why = why;
    snprintf(o->line, sizeof(o->line), "%.*s", SLICE_ARG(line));
    if (o->pack && why == OK)
        o->why = store_pack_end(o->pack, NULL);
    else if (o->pack)
        store_pack_drop(o->pack);
    o->pack = NULL;
    loop_stop(0);
}

static const struct git_fetch_events events = {
    .on_head = on_head, .on_pack = on_pack, .on_done = on_done};

static enum err fetch(struct owner *o, const char *repository)
{
    char url[128];
    struct git_fetch *f;
    struct buf error;
    snprintf(url, sizeof(url), "git://127.0.0.1:%u/%s", port, repository);
    buf_init(&error, 512);
    o->bytes = 0;
    enum oid_kind kind = o->store ? store_kind(o->store) : OID_SHA1;
    struct git_remote remote = {.url = slice_text(url)};
    assert_int_equal(git_fetch_open(process_stack(), &remote, &o->have, o->has ? 1 : 0, kind,
                                    &events, o, &f, &error),
                     OK);
    buf_deinit(&error);
    loop_run();
    return o->why;
}

/* Fetches, and looks whether all that the remote's head needs is there. */
static void update(struct owner *o, const char *repository)
{
    struct oid missing;
    char hex[OID_HEX_MAX];
    assert_int_equal(fetch(o, repository), OK);
    oid_to_hex(store_kind(o->store), &o->commit, hex);
    assert_string_equal(hex, shell_output("git -C %s rev-parse HEAD", repository));
    assert_int_equal(store_check(o->store, &o->commit, NULL, &missing), OK);
    o->have = o->commit;
    o->has = true;
}

static void make_repository(const char *name, const char *kind)
{
    shell("git init -q -b main --object-format=%s %s && cd %s && git config gc.auto 0 && "
          "for i in $(seq 100); do seq $i 2000 >f$i; done && git add . && git commit -q -m 1",
          kind, name, name);
}

static int start_daemon(void **state)
{
    char command[256];
    (void)state;
    port = 20000 + (unsigned)getpid() % 10000;
    snprintf(
        command, sizeof(command),
        "%s/git-daemon --export-all --reuseaddr --listen=127.0.0.1 --port=%u --base-path=%s %s",
        shell_output("git --exec-path"), port, scratch(), scratch());
    daemon_child = child_start(command);
    make_repository("sha1", "sha1");
    make_repository("sha256", "sha256");
    shell("for i in $(seq 100); do git ls-remote -q git://127.0.0.1:%u/sha1 >/dev/null 2>&1 && "
          "exit 0; sleep 0.1; done; exit 1",
          port);
    return 0;
}

static int stop_daemon(void **state)
{
    (void)state;
    child_stop(&daemon_child);
    return 0;
}

static void only_what_is_new(void **state)
{
    static const char *const repositories[] = {"sha1", "sha256"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct owner o = {.store = NULL};
        update(&o, repositories[i]);
        uint64_t whole = o.bytes;
        shell("cd %s && echo more >>f7 && git commit -q -a -m 2", repositories[i]);
        update(&o, repositories[i]);
        assert_in_range(o.bytes, 32, whole / 4);
        assert_int_equal(fetch(&o, repositories[i]), OK); /* nothing new */
        assert_int_equal(o.bytes, 0);
        store_close(o.store);
    }
}

/* A history that was written anew, and back: the remote may or may not know what we have. */
static void rewritten_history(void **state)
{
    struct owner o = {.store = NULL};
    (void)state;
    shell("cd sha1 && echo again >>f8 && git commit -q -a -m 3");
    update(&o, "sha1");
    shell("cd sha1 && git commit -q --amend -m other && git reflog expire --expire=now --all && "
          "git prune --expire=now");
    update(&o, "sha1");
    shell("cd sha1 && git reset -q --hard HEAD~1");
    update(&o, "sha1");
    shell("cd sha1 && git checkout -q --orphan fresh && git commit -q -m fresh && "
          "git branch -M fresh main");
    update(&o, "sha1");
    store_close(o.store);
}

/* The remote is now a repository of another kind: what we have is of no use there. */
static void another_kind(void **state)
{
    struct owner o = {.store = NULL};
    (void)state;
    update(&o, "sha1");
    update(&o, "sha256");
    assert_int_equal(store_kind(o.store), OID_SHA256);
    store_close(o.store);
}

static void a_remote_that_is_gone(void **state)
{
    struct owner o = {.store = NULL};
    (void)state;
    assert_int_equal(fetch(&o, "none"), ERR_DENIED);
    assert_non_null(strstr(o.line, "the remote says: "));
    assert_null(o.store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_new),
        cmocka_unit_test(rewritten_history),
        cmocka_unit_test(another_kind),
        cmocka_unit_test(a_remote_that_is_gone),
    };
    return cmocka_run_group_tests_name("fetch/update", tests, start_daemon, stop_daemon);
}
