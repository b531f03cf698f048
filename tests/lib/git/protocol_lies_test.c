/* Remotes that lie, and what no remote may say too much of. */
#include "tests/lib/git/protocol_place.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lies_about_refs), TEST(lies_about_packs), TEST(odd_remotes), TEST(list_limits),
        TEST(pack_limit),      TEST(long_progress),    TEST(many_haves),  TEST(greeting),
    };
    return cmocka_run_group_tests_name("git/protocol lies", tests, NULL, NULL);
}
