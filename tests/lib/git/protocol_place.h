/* Conversations as bytes: kept, fed again in any pieces, and what came of them. */
#ifndef TESTS_LIB_GIT_PROTOCOL_PLACE_H
#define TESTS_LIB_GIT_PROTOCOL_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/git/protocol.h"
#include "signatures/memory.h"
#include "tests/support/shell.h"

/* --- A remote's side of a conversation, as bytes --------------------------------------------- */

/* What the remote said between our requests, and how it ended for the client. */
struct script {
    struct buf parts[4];
    size_t count;
};

struct outcome {
    struct buf pack, requests, log; /* log: progress lines, one after the other */
    char head[OID_HEX_MAX];
    char ref[GIT_REF_NAME_MAX + 1];
    enum oid_kind kind;
    enum err why;
    char line[GIT_ERROR_MAX];
    bool done;
    size_t sends;
};

static inline void outcome_init(struct outcome *o)
{
    *o = (struct outcome){0};
    buf_init(&o->pack, 64 << 20);
    buf_init(&o->requests, 1 << 20);
    buf_init(&o->log, 1 << 20);
}

static inline void outcome_deinit(struct outcome *o)
{
    buf_deinit(&o->pack);
    buf_deinit(&o->requests);
    buf_deinit(&o->log);
}

static inline void note_head(struct outcome *o, struct git_client *c)
{
    struct git_head head = git_client_head(c);
    o->kind = head.kind;
    oid_to_hex(head.kind, &head.commit, o->head);
    snprintf(o->ref, sizeof(o->ref), "%.*s", SLICE_ARG(head.ref));
}

/* Takes all events that the input gives; true when a request is due. */
static inline bool take_events(struct git_client *c, struct slice *in, struct outcome *o, bool want)
{
    struct git_client_event event;
    while (!o->done && (o->why = git_client_next(c, in, &event)) == OK) {
        if (event.what == GIT_CLIENT_HEAD) {
            note_head(o, c);
            if (want)
                git_client_want(c);
            else
                git_client_leave(c);
        }
        if (event.what == GIT_CLIENT_PACK)
            buf_put(&o->pack, event.bytes);
        if (event.what == GIT_CLIENT_PROGRESS) {
            buf_put(&o->log, event.bytes);
            buf_byte(&o->log, '\n');
        }
        o->done = event.what == GIT_CLIENT_DONE;
        if (event.what == GIT_CLIENT_SEND) {
            o->sends++;
            buf_put(&o->requests, buf_slice(&c->out));
            return true;
        }
    }
    snprintf(o->line, sizeof(o->line), "%s", git_client_line(c));
    return false;
}

/* Talks to a child until the end, keeping what it says. */
static inline void talk(struct child *child, struct git_client *c, struct script *s,
                        struct outcome *o, bool want)
{
    uint8_t bytes[65536];
    ssize_t n;
    buf_init(&s->parts[s->count], 64 << 20);
    while (!o->done && (n = read(child->out, bytes, sizeof(bytes))) > 0) {
        struct slice in = slice_of(bytes, (size_t)n);
        buf_put(&s->parts[s->count], in);
        while (take_events(c, &in, o, want)) {
            assert_int_equal(write(child->in, c->out.ptr, c->out.len), c->out.len);
            git_client_sent(c);
            if (!o->done)
                buf_init(&s->parts[++s->count], 64 << 20);
        }
        if (o->why && o->why != ERR_AGAIN)
            break;
    }
    s->count++;
}

static inline void script_deinit(struct script *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_deinit(&s->parts[i]);
}

/* A connection to upload-pack. */
static inline void record(const char *command, const struct git_client_settings *settings,
                          struct script *s, struct outcome *o, bool want)
{
    struct child child = child_start(command);
    struct git_client c;
    *s = (struct script){0};
    outcome_init(o);
    git_client_init(&c, settings);
    talk(&child, &c, s, o, want);
    if (!o->done && (o->why == OK || o->why == ERR_AGAIN)) {
        o->why = git_client_eof(&c);
        struct slice none = {NULL, 0};
        if (!o->why)
            take_events(&c, &none, o, want);
    }
    snprintf(o->line, sizeof(o->line), "%s", git_client_line(&c));
    child_stop(&child);
    git_client_deinit(&c);
}

/* The same bytes again, cut as the caller says. */
static inline void replay(const struct script *s, const struct git_client_settings *settings,
                          bool want, size_t first, size_t then, struct outcome *o)
{
    struct git_client c;
    git_client_init(&c, settings);
    outcome_init(o);
    size_t n = first;
    for (size_t i = 0; i < s->count && !o->done; i++) {
        struct slice rest = buf_slice(&s->parts[i]);
        while (rest.len > 0) {
            struct slice piece = slice_take(rest, n);
            rest = slice_drop(rest, piece.len);
            first -= piece.len;
            n = first > 0 ? first : then;
            while (take_events(&c, &piece, o, want))
                git_client_sent(&c);
            if (o->why && o->why != ERR_AGAIN)
                break;
        }
    }
    if (!o->done && (o->why == OK || o->why == ERR_AGAIN)) {
        struct slice none = {NULL, 0};
        o->why = git_client_eof(&c);
        if (!o->why)
            take_events(&c, &none, o, want);
    }
    snprintf(o->line, sizeof(o->line), "%s", git_client_line(&c));
    git_client_deinit(&c);
}

static inline void assert_same(const struct outcome *a, const struct outcome *b)
{
    assert_int_equal(a->done, b->done);
    assert_int_equal(a->why, b->why);
    assert_string_equal(a->head, b->head);
    assert_string_equal(a->ref, b->ref);
    assert_string_equal(a->line, b->line);
    assert_true(slice_equal(buf_slice(&a->pack), buf_slice(&b->pack)));
    assert_true(slice_equal(buf_slice(&a->requests), buf_slice(&b->requests)));
    assert_true(slice_equal(buf_slice(&a->log), buf_slice(&b->log)));
}

static inline void replay_all(const struct script *s, const struct git_client_settings *settings,
                              bool want, const struct outcome *wanted)
{
    struct outcome o;
    size_t total = 0;
    for (size_t i = 0; i < s->count; i++)
        total += s->parts[i].len;
    for (size_t n = 1; n < 40; n++) {
        replay(s, settings, want, n, n, &o);
        assert_same(&o, wanted);
        outcome_deinit(&o);
    }
    for (size_t cut = 1; cut < total; cut++) {
        replay(s, settings, want, cut, SIZE_MAX, &o);
        assert_same(&o, wanted);
        outcome_deinit(&o);
    }
}

/* --- Repositories --------------------------------------------------------------------------- */

static uint64_t blocks;

/* What the tag v1 leads to is the tip of no branch: a remote of v0 gives the tag, and not the commit alone. */
static inline int make_repositories(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *kind = i == 0 ? "sha1" : "sha256";
        shell("git init -q -b main --object-format=%s %s && cd %s && git config gc.auto 0 && "
              "for i in 1 2 3; do echo $i >file; seq $i 500 >long; git add .; git commit -q -m $i; "
              "done && git tag -a -m tagged v1 HEAD~1 && git branch other HEAD~2 && "
              "git tag light HEAD~2",
              kind, kind, kind);
    }
    shell("git init -q -b trunk empty");
    shell("git clone -q --bare sha1 detached && git -C detached update-ref --no-deref HEAD "
          "$(git -C sha1 rev-parse main~1)");
    shell("git clone -q --bare sha1 unborn && git -C unborn symbolic-ref HEAD refs/heads/none");
    shell("git clone -q --bare --depth 1 file://$PWD/sha1 shallow");
    shell("git clone -q --bare sha1 noside && git -C noside config uploadpack.keepAlive 0");
    return 0;
}

static inline int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    unsetenv("GIT_PROTOCOL");
    return memory_stats().blocks == blocks ? 0 : -1;
}

static inline void version(int number)
{
    if (number == 0)
        unsetenv("GIT_PROTOCOL");
    else
        setenv("GIT_PROTOCOL", number == 1 ? "version=1" : "version=2", 1);
}

static inline struct git_client_settings settings_of(const char *branch)
{
    return (struct git_client_settings){.branch = slice_text(branch)};
}

/* The pack is one that stock git takes, and holds the whole history of the commit. */
static inline void assert_pack(const struct outcome *o)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/got.pack", scratch());
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(o->pack.ptr, 1, o->pack.len, f), o->pack.len);
    fclose(f);
    shell("rm -rf check && git init -q --bare --object-format=%s check && "
          "git -C check index-pack --stdin --strict <got.pack >/dev/null && "
          "git -C check rev-list --objects %s >/dev/null",
          o->kind == OID_SHA1 ? "sha1" : "sha256", o->head);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
