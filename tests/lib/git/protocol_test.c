/*
 * The conversation against stock git: upload-pack through pipes, its bytes kept, then fed again in
 * all pieces.
 */
#include "tests/lib/git/protocol_place.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_kind_of_ref), TEST(any_pieces),       TEST(cut_off),
        TEST(what_is_not_there), TEST(updates_are_thin), TEST(what_the_remote_does_not_know),
        TEST(enough_is_enough),  TEST(stateless),
    };
    return cmocka_run_group_tests_name("git/protocol", tests, make_repositories, NULL);
}
