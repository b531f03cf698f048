/*
 * The conversation against stock git: upload-pack through pipes, its bytes kept, then fed again in
 * all pieces; and remotes that lie.
 */
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

static void outcome_init(struct outcome *o)
{
    *o = (struct outcome){0};
    buf_init(&o->pack, 64 << 20);
    buf_init(&o->requests, 1 << 20);
    buf_init(&o->log, 1 << 20);
}

static void outcome_deinit(struct outcome *o)
{
    buf_deinit(&o->pack);
    buf_deinit(&o->requests);
    buf_deinit(&o->log);
}

static void note_head(struct outcome *o, struct git_client *c)
{
    struct git_head head = git_client_head(c);
    o->kind = head.kind;
    oid_to_hex(head.kind, &head.commit, o->head);
    snprintf(o->ref, sizeof(o->ref), "%.*s", SLICE_ARG(head.ref));
}

/* Takes all events that the input gives; true when a request is due. */
static bool take_events(struct git_client *c, struct slice *in, struct outcome *o, bool want)
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
static void talk(struct child *child, struct git_client *c, struct script *s, struct outcome *o,
                 bool want)
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

static void script_deinit(struct script *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_deinit(&s->parts[i]);
}

/* A connection to upload-pack. */
static void record(const char *command, const struct git_client_settings *settings,
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
static void replay(const struct script *s, const struct git_client_settings *settings, bool want,
                   size_t first, size_t then, struct outcome *o)
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

static void assert_same(const struct outcome *a, const struct outcome *b)
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

static void replay_all(const struct script *s, const struct git_client_settings *settings,
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

static int make_repositories(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        const char *kind = i == 0 ? "sha1" : "sha256";
        shell("git init -q -b main --object-format=%s %s && cd %s && git config gc.auto 0 && "
              "for i in 1 2 3; do echo $i >file; seq $i 500 >long; git add .; git commit -q -m $i; "
              "done && git tag -a -m tagged v1 HEAD~1 && git branch other HEAD~2 && "
              "git tag light HEAD~2 && git branch main2 HEAD~1",
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

static int setup(void **state)
{
    (void)state;
    blocks = memory_stats().blocks;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unsetenv("GIT_PROTOCOL");
    return memory_stats().blocks == blocks ? 0 : -1;
}

static void version(int number)
{
    if (number == 0)
        unsetenv("GIT_PROTOCOL");
    else
        setenv("GIT_PROTOCOL", number == 1 ? "version=1" : "version=2", 1);
}

static struct git_client_settings settings_of(const char *branch)
{
    return (struct git_client_settings){.branch = slice_text(branch)};
}

/* The pack is one that stock git takes, and holds the whole history of the commit. */
static void assert_pack(const struct outcome *o)
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

/* --- Against stock git ---------------------------------------------------------------------- */

static void fetches(const char *repository, const char *branch, const char *commit, const char *ref)
{
    char command[128];
    struct script s;
    struct outcome o;
    struct git_client_settings settings = settings_of(branch);
    snprintf(command, sizeof(command), "git upload-pack %s", repository);
    for (int number = 0; number <= 2; number++) {
        version(number);
        record(command, &settings, &s, &o, true);
        assert_string_equal(o.line, "");
        assert_true(o.done);
        assert_string_equal(o.head, shell_output("git -C %s rev-parse %s", repository, commit));
        assert_string_equal(o.ref, ref);
        assert_pack(&o);
        outcome_deinit(&o);
        script_deinit(&s);
    }
}

static void every_kind_of_ref(void **state)
{
    static const char *const repositories[] = {"sha1", "sha256"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *r = repositories[i];
        fetches(r, "", "main", "refs/heads/main");
        fetches(r, "main", "main", "refs/heads/main");
        fetches(r, "other", "other", "refs/heads/other");
        fetches(r, "v1", "v1^{commit}", "refs/tags/v1");
        fetches(r, "light", "light", "refs/tags/light");
        fetches(r, "refs/heads/other", "other", "refs/heads/other");
        fetches(r, "refs/tags/v1", "v1^{commit}", "refs/tags/v1");
        fetches(r, "HEAD", "main", "refs/heads/main");
    }
    fetches("detached", "", "HEAD", "HEAD");
}

/* Every byte of the remote at every place of a cut. */
static void any_pieces(void **state)
{
    static const char *const branches[] = {"", "v1"};
    (void)state;
    for (int number = 0; number <= 2; number++) {
        struct git_client_settings settings = settings_of(branches[number == 1]);
        struct script s;
        struct outcome o;
        version(number);
        record("git upload-pack sha1", &settings, &s, &o, true);
        assert_true(o.done);
        replay_all(&s, &settings, true, &o);
        outcome_deinit(&o);
        script_deinit(&s);
    }
}

/* Cut off at any byte: an error with a line, never DONE. */
static void cut_off(void **state)
{
    (void)state;
    for (int number = 0; number <= 2; number += 2) {
        struct git_client_settings settings = settings_of("");
        struct script s;
        struct outcome o, cut;
        version(number);
        record("git upload-pack sha1", &settings, &s, &o, true);
        for (size_t i = 0; i < s.count; i++) {
            size_t whole = s.parts[i].len, count = s.count;
            s.count = i + 1;
            for (size_t n = 0; n < whole; n++) {
                s.parts[i].len = n;
                replay(&s, &settings, true, SIZE_MAX, SIZE_MAX, &cut);
                assert_false(cut.done);
                assert_int_equal(cut.why, ERR_RESET);
                assert_true(cut.line[0]);
                outcome_deinit(&cut);
            }
            s.parts[i].len = whole;
            s.count = count;
        }
        outcome_deinit(&o);
        script_deinit(&s);
    }
}

static void fails(const char *repository, const char *branch, enum err why, const char *line)
{
    char command[128];
    struct script s;
    struct outcome o;
    struct git_client_settings settings = settings_of(branch);
    snprintf(command, sizeof(command), "git upload-pack %s", repository);
    for (int number = 0; number <= 2; number += 2) {
        version(number);
        record(command, &settings, &s, &o, true);
        assert_false(o.done);
        assert_int_equal(o.why, why);
        if (!strstr(o.line, line))
            fail_msg("v%d: %s", number, o.line);
        outcome_deinit(&o);
        script_deinit(&s);
    }
}

static void what_is_not_there(void **state)
{
    (void)state;
    fails("sha1", "none", ERR_NOT_FOUND, "no branch or tag none");
    fails("sha1", "mai", ERR_NOT_FOUND, "no branch or tag mai");
    fails("empty", "", ERR_NOT_FOUND, "HEAD");
    fails("empty", "main", ERR_NOT_FOUND, "no branch or tag main");
    fails("unborn", "", ERR_NOT_FOUND, "HEAD");
    fails("shallow", "", ERR_UNSUPPORTED, "shallow");
}

/* The old head is told, and the pack holds what is new alone, as deltas against what we have. */
static void updates_are_thin(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++)
        for (int number = 0; number <= 2; number++) {
            const char *repository = kind == 0 ? "sha1" : "sha256";
            char command[128];
            struct script s;
            struct outcome whole, o;
            struct oid have;
            struct git_client_settings settings = settings_of("");
            snprintf(command, sizeof(command), "git upload-pack %s", repository);
            version(number);
            record(command, &settings, &s, &whole, true);
            script_deinit(&s);
            settings.have_kind = kind == 0 ? OID_SHA1 : OID_SHA256;
            settings.have = &have;
            settings.have_count = 1;
            assert_true(oid_from_hex(
                settings.have_kind,
                slice_text(shell_output("git -C %s rev-parse HEAD~1", repository)), &have));
            record(command, &settings, &s, &o, true);
            assert_true(o.done);
            assert_non_null(strstr((char *)o.requests.ptr, "thin-pack"));
            assert_true(o.pack.len < whole.pack.len / 2);
            replay_all(&s, &settings, true, &o);
            outcome_deinit(&whole);
            outcome_deinit(&o);
            script_deinit(&s);
        }
}

/* A commit that the remote does not know changes nothing; nor does one of the other kind. */
static void what_the_remote_does_not_know(void **state)
{
    struct oid have[2];
    (void)state;
    memset(have, 0x11, sizeof(have));
    memset(&have[0].bytes[20], 0, 12);
    memset(&have[1].bytes[20], 0, 12);
    for (int kind = 0; kind < 2; kind++)
        for (int number = 0; number <= 2; number++) {
            struct script s;
            struct outcome o;
            struct git_client_settings settings = settings_of("");
            settings.have = have;
            settings.have_count = 2;
            settings.have_kind = kind == 0 ? OID_SHA1 : OID_SHA256;
            version(number);
            record("git upload-pack sha1", &settings, &s, &o, true);
            assert_true(o.done);
            assert_pack(&o);
            outcome_deinit(&o);
            script_deinit(&s);
        }
}

static void enough_is_enough(void **state)
{
    (void)state;
    for (int number = 0; number <= 2; number++) {
        struct script s;
        struct outcome o;
        struct git_client_settings settings = settings_of("");
        version(number);
        record("git upload-pack sha1", &settings, &s, &o, false);
        assert_true(o.done);
        assert_int_equal(o.pack.len, 0);
        assert_true(slice_ends(buf_slice(&o.requests), SLICE("0000")));
        outcome_deinit(&o);
        script_deinit(&s);
    }
}

/* --- Exchanges, as over http ---------------------------------------------------------------- */

/* One exchange: a process of its own that is given the request (empty: the greeting). */
static void exchange(const char *repository, struct slice request, struct buf *answer)
{
    char command[160];
    uint8_t bytes[65536];
    ssize_t n;
    snprintf(command, sizeof(command), "git upload-pack --stateless-rpc %s %s",
             request.len == 0 ? "--http-backend-info-refs" : "", repository);
    struct child child = child_start(command);
    buf_init(answer, 64 << 20);
    if (request.len > 0)
        assert_int_equal(write(child.in, request.ptr, request.len), request.len);
    child_shut(&child);
    while ((n = read(child.out, bytes, sizeof(bytes))) > 0)
        buf_put(answer, slice_of(bytes, (size_t)n));
    child_stop(&child);
}

/* True while there is another exchange to come. */
static bool one_exchange(struct git_client *c, struct script *s, struct outcome *o)
{
    struct buf *answer = &s->parts[s->count++];
    exchange("sha1", buf_slice(&c->out), answer);
    git_client_sent(c);
    struct slice in = buf_slice(answer);
    bool more = take_events(c, &in, o, true);
    assert_int_equal(in.len, 0);
    if (!more && !o->done) {
        assert_int_equal(git_client_eof(c), OK);
        take_events(c, &in, o, true);
    }
    return more;
}

static void stateless(void **state)
{
    (void)state;
    for (int number = 0; number <= 2; number++) {
        struct git_client_settings settings = settings_of("");
        struct git_client c;
        struct script s = {0};
        struct outcome o;
        settings.stateless = true;
        version(number);
        outcome_init(&o);
        git_client_init(&c, &settings);
        while (one_exchange(&c, &s, &o))
            ;
        assert_true(o.done);
        assert_int_equal(o.sends, number == 2 ? 2 : 1);
        assert_pack(&o);
        git_client_deinit(&c);
        replay_all(&s, &settings, true, &o);
        outcome_deinit(&o);
        script_deinit(&s);
    }
}

/* --- Remotes that lie ----------------------------------------------------------------------- */

#define ONE "1111111111111111111111111111111111111111"

/* Each line becomes a pkt-line, "%0" a flush, "%1" a delimiter; "%r" puts the rest as it is, "%bN" a
 * packet of band N, in which "~" stands for a CR. */
static void put_script(struct buf *b, const char *text)
{
    struct slice rest = slice_text(text), line;
    while (slice_line(&rest, &line)) {
        if (slice_is(line, "%0"))
            pkt_put_flush(b);
        else if (slice_is(line, "%1"))
            pkt_put_delim(b);
        else if (slice_starts(line, SLICE("%r")))
            buf_put(b, slice_drop(line, 2));
        else if (slice_starts(line, SLICE("%b"))) {
            struct buf band;
            buf_init(&band, 1024);
            buf_byte(&band, (uint8_t)(line.ptr[2] - '0'));
            for (size_t i = 3; i < line.len; i++)
                buf_byte(&band, line.ptr[i] == '~' ? '\r' : line.ptr[i]);
            pkt_put_bytes(b, buf_slice(&band));
            buf_deinit(&band);
        } else
            pkt_put(b, "%.*s", SLICE_ARG(line));
    }
}

static void lie(const char *text, struct outcome *o)
{
    struct script s = {.count = 1};
    struct git_client_settings settings = settings_of("");
    buf_init(&s.parts[0], 1 << 20);
    put_script(&s.parts[0], text);
    for (size_t n = 1; n < 12; n++) {
        replay(&s, &settings, true, n, n, o);
        outcome_deinit(o);
    }
    replay(&s, &settings, true, SIZE_MAX, SIZE_MAX, o);
    script_deinit(&s);
}

static void says(const char *text, enum err why, const char *line)
{
    struct outcome o;
    lie(text, &o);
    if (o.why != why || !strstr(o.line, line))
        fail_msg("%s\n-> %s: %s", text, err_text(o.why), o.line);
    assert_false(o.done);
    outcome_deinit(&o);
}

#define V2   "version 2\nls-refs=unborn\nfetch=shallow\n%0\n"
#define REFS ONE " HEAD symref-target:refs/heads/main\n%0\n"

static void lies_about_refs(void **state)
{
    (void)state;
    says("version 3\n", ERR_UNSUPPORTED, "unknown version");
    says("version 2\n%1\n", ERR_MALFORMED, "capabilities");
    says("version 2\n%0\n", ERR_UNSUPPORTED, "fetched from");
    says("version 2\nfetch\nls-refs\nobject-format=md5\n", ERR_UNSUPPORTED, "md5");
    says("ERR access \x1b[1mdenied\n", ERR_DENIED, "the remote says: access \\x1b[1mdenied");
    says("%rHTTP/1.1 400 Bad\n", ERR_MALFORMED, "not git's protocol");
    says("%r0002\n", ERR_MALFORMED, "out of place");
    says(V2 "ERR no\n", ERR_DENIED, "no");
    says(V2 "%0\n", ERR_NOT_FOUND, "HEAD");
    says(V2 "unborn HEAD symref-target:refs/heads/x\n%0\n", ERR_NOT_FOUND, "refs/heads/x");
    says(V2 "zz HEAD\n%0\n", ERR_MALFORMED, "refs");
    says(V2 "1111 HEAD\n%0\n", ERR_MALFORMED, "refs");
    says(V2 ONE "\n%0\n", ERR_MALFORMED, "refs");
    says(V2 ONE "11 HEAD\n%0\n", ERR_MALFORMED, "refs");
    says(V2 "0000000000000000000000000000000000000000 HEAD\n%0\n", ERR_MALFORMED, "refs");
    says(V2 "%1\n", ERR_MALFORMED, "refs");
    says("\n", ERR_MALFORMED, "refs");
    says(ONE " HEAD\n%1\n", ERR_MALFORMED, "refs");
    says("shallow " ONE "\n", ERR_UNSUPPORTED, "shallow");
    says("# service=git-upload-pack\n%0\n", ERR_MALFORMED, "refs");
}

static void lies_about_packs(void **state)
{
    (void)state;
    says(V2 REFS "shallow-info\n", ERR_UNSUPPORTED, "shallow");
    says(V2 REFS "wanted-refs\n", ERR_MALFORMED, "wanted-refs");
    says(V2 REFS "packfile-uris\n", ERR_MALFORMED, "packfile-uris");
    says(V2 REFS "%0\n", ERR_MALFORMED, "nothing");
    says(V2 REFS "acknowledgments\nNAK\n%0\n", ERR_MALFORMED, "acknowledgments");
    says(V2 REFS "acknowledgments\nFOO\n", ERR_MALFORMED, "acknowledgments");
    says(V2 REFS "packfile\n%0\n", ERR_MALFORMED, "within the pack");
    says(V2 REFS "packfile\n%1\n", ERR_MALFORMED, "within the pack");
    says(V2 REFS "packfile\n%r0004\n", ERR_MALFORMED, "within the pack");
    says(V2 REFS "packfile\n%rPACK\n", ERR_MALFORMED, "within the pack");
    says(V2 REFS "packfile\n%b4x\n", ERR_MALFORMED, "band");
    says(V2 REFS "packfile\n%b1PACK\n%b3out of \x1b memory\n", ERR_IO,
         "the remote failed: out of \\x1b memory");
    says(V2 REFS "packfile\n%b2progr\n%b3gone\n", ERR_IO, "the remote failed: gone");
    says(V2 REFS "packfile\n%r0005\x03\n", ERR_IO, "the remote failed");
    says(V2 REFS "packfile\n%b1PACK\n", ERR_RESET, "within the pack");
    says(ONE " HEAD\n%0\nready\n", ERR_MALFORMED, "did not answer");
    says(ONE " HEAD\n%0\n%0\n", ERR_MALFORMED, "did not answer");
    says(ONE " HEAD\n%0\nNAK\n", ERR_RESET, "within the pack");
}

static void tells(const char *text, const char *ref, const char *pack, const char *log)
{
    struct outcome o;
    lie(text, &o);
    assert_string_equal(o.line, "");
    assert_true(o.done);
    assert_string_equal(o.ref, ref);
    assert_true(slice_is(buf_slice(&o.pack), pack));
    assert_true(slice_is(buf_slice(&o.log), log));
    outcome_deinit(&o);
}

/* Odd, but to be understood. */
static void odd_remotes(void **state)
{
    (void)state;
    tells(V2 REFS "packfile\n%b1PA\n%r0005\x01\n%b1CK\n%0\n", "refs/heads/main", "PACK", "");
    tells(V2 REFS "acknowledgments\nNAK\nready\n%1\npackfile\n%b1PACK\n%0\n", "refs/heads/main",
          "PACK", "");
    tells(V2 ONE " HEAD symref-target:refs/heads/a..b\n%0\npackfile\n%b1PACK\n%0\n", "HEAD", "PACK",
          "");
    tells(V2 REFS "packfile\n%b2one~tw\n%b2o~~\x1b~\n%b2~\n%b1PACK\n%0\n", "refs/heads/main",
          "PACK", "one\ntwo\n\\x1b\n");
    tells(ONE " HEAD\n%0\nNAK\n%rPACK\n", "HEAD", "PACK", "");
    tells(ONE " HEAD\n%0\nACK " ONE "\n%rPACK\n", "HEAD", "PACK", "");
}

/* --- Limits --------------------------------------------------------------------------------- */

static void feed_text(struct git_client *c, const char *text, struct outcome *o)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    put_script(&b, text);
    struct slice in = buf_slice(&b);
    while (take_events(c, &in, o, true))
        git_client_sent(c);
    buf_deinit(&b);
}

static void too_many(const char *start, const char *again, size_t count)
{
    struct git_client c;
    struct outcome o;
    struct git_client_settings settings = settings_of("");
    git_client_init(&c, &settings);
    outcome_init(&o);
    feed_text(&c, start, &o);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(o.why, ERR_AGAIN);
        feed_text(&c, again, &o);
    }
    assert_int_equal(o.why, ERR_AGAIN);
    feed_text(&c, again, &o);
    assert_int_equal(o.why, ERR_LIMIT);
    assert_non_null(strstr(o.line, "more than"));
    git_client_deinit(&c);
    outcome_deinit(&o);
}

static void list_limits(void **state)
{
    (void)state;
    too_many("version 2\n", "x\n", GIT_CAPABILITIES_MAX);
    too_many(V2, ONE " refs/heads/x\n", GIT_REFS_MAX);
    too_many(ONE " HEAD\n", ONE " refs/heads/x\n", GIT_REFS_MAX - 1);
    too_many(V2 REFS "acknowledgments\n", "NAK\n", GIT_HAVE_MAX + 2);
}

/* A pack without end: refused at its limit, to the byte. */
static void pack_limit(void **state)
{
    static uint8_t zeros[1 << 20];
    struct git_client c;
    struct outcome o;
    struct git_client_event event;
    struct git_client_settings settings = settings_of("");
    uint64_t taken = 0;
    (void)state;
    git_client_init(&c, &settings);
    outcome_init(&o);
    feed_text(&c, ONE " HEAD\n%0\nNAK\n", &o);
    enum err e = OK;
    while (taken < GIT_PACK_BYTES_MAX) {
        struct slice in = slice_of(zeros, sizeof(zeros));
        assert_int_equal(git_client_next(&c, &in, &event), OK);
        assert_int_equal(event.what, GIT_CLIENT_PACK);
        taken += event.bytes.len;
    }
    struct slice in = slice_of(zeros, 1);
    e = git_client_next(&c, &in, &event);
    assert_int_equal(e, ERR_LIMIT);
    assert_non_null(strstr(git_client_line(&c), "2048 MiB"));
    git_client_deinit(&c);
    outcome_deinit(&o);
}

static void long_progress(void **state)
{
    static char text[4096];
    struct outcome o;
    (void)state;
    strcpy(text, V2 REFS "packfile\n%b2");
    memset(text + strlen(text), 'x', 900);
    strcat(text, "~\n%b1PACK\n%0\n");
    lie(text, &o);
    assert_true(o.done);
    assert_int_equal(o.log.len, GIT_PROGRESS_MAX + 1);
    outcome_deinit(&o);
}

/* More commits than fit into a request are not sent. */
static void many_haves(void **state)
{
    static struct oid have[GIT_HAVE_MAX + 100];
    struct outcome o;
    struct git_client c;
    struct git_client_settings settings = settings_of("");
    (void)state;
    settings.have = have;
    settings.have_count = GIT_HAVE_MAX + 100;
    git_client_init(&c, &settings);
    outcome_init(&o);
    feed_text(&c, V2 REFS, &o);
    size_t haves = 0;
    const char *text = (buf_byte(&o.requests, 0), (const char *)o.requests.ptr);
    while ((text = strstr(text, "have "))) {
        haves++;
        text++;
    }
    assert_int_equal(haves, GIT_HAVE_MAX);
    git_client_deinit(&c);
    outcome_deinit(&o);
}

static void greeting(void **state)
{
    static const struct {
        const char *url;
        const char *line;
        size_t len;
    } cases[] = {
        {"git://h/a%20b", "002dgit-upload-pack /a b\0host=h\0\0version=2\0", 45},
        {"git://h:1/~u/r", "0030git-upload-pack ~u/r\0host=h:1\0\0version=2\0", 48 - 1},
        {"git://[::1]:9418/a", "0030git-upload-pack /a\0host=[::1]\0\0version=2\0", 48 - 1},
    };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct git_url u;
        const char *wanted;
        struct buf b;
        buf_init(&b, 1024);
        assert_int_equal(git_url_parse(slice_text(cases[i].url), &u, &wanted), OK);
        git_client_greet(&b, &u);
        uint64_t length;
        assert_true(slice_hex(slice_take(buf_slice(&b), 4), 65535, &length));
        assert_int_equal(length, b.len);
        assert_memory_equal(b.ptr + 4, cases[i].line + 4, b.len - 4);
        buf_deinit(&b);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_ref), TEST(any_pieces),       TEST(cut_off),
        TEST(what_is_not_there), TEST(updates_are_thin), TEST(what_the_remote_does_not_know),
        TEST(enough_is_enough),  TEST(stateless),        TEST(lies_about_refs),
        TEST(lies_about_packs),  TEST(odd_remotes),      TEST(list_limits),
        TEST(pack_limit),        TEST(long_progress),    TEST(many_haves),
        TEST(greeting),
    };
    return cmocka_run_group_tests_name("git/protocol", tests, make_repositories, NULL);
}
