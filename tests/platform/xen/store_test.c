/* The store's client against a daemon that is played here, and a device's front half over it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "platform/xen/front.h"
#include "runtime/log.h"

static struct store store;
static uint64_t now;

/* --- the daemon --- */

static struct {
    struct slice path, value;
} nodes[16];
static size_t node_count;
static char said[512]; /* what was written, as "path=value;" */

static void node(const char *path, const char *value)
{
    for (size_t i = 0; i < node_count; i++)
        if (slice_is(nodes[i].path, path)) {
            nodes[i].value = slice_text(value);
            return;
        }
    nodes[node_count].path = slice_text(path);
    nodes[node_count++].value = slice_text(value);
}

static void say(uint32_t type, uint32_t id, struct slice payload)
{
    struct xsd_sockmsg head = {.type = type, .req_id = id, .len = (uint32_t)payload.len};
    store_input(&store, slice_of(&head, sizeof head));
    for (size_t i = 0; i < payload.len; i++) /* a byte at a time, too */
        store_input(&store, slice_of(payload.ptr + i, 1));
}

static void answer(const struct xsd_sockmsg *q, struct slice payload)
{
    struct slice path, value;
    slice_cut(payload, '\0', &path, &value);
    if (q->type == XS_WRITE) {
        strncat(said, (const char *)path.ptr, sizeof said - strlen(said) - 1);
        strcat(said, "=");
        strncat(said, (const char *)value.ptr, value.len);
        strcat(said, ";");
    }
    for (size_t i = 0; q->type == XS_READ && i < node_count; i++)
        if (slice_equal(nodes[i].path, path)) {
            say(XS_READ, q->req_id, nodes[i].value);
            return;
        }
    if (q->type == XS_READ)
        say(XS_ERROR, q->req_id, SLICE("ENOENT\0"));
    else
        say(q->type, q->req_id, SLICE("OK\0"));
}

static void serve(void)
{
    struct slice out;
    while ((out = store_output(&store, now)).len) {
        struct xsd_sockmsg q;
        uint8_t payload[512];
        memcpy(&q, out.ptr, sizeof q);
        assert_int_equal(out.len, sizeof q + q.len);
        memcpy(payload, out.ptr + sizeof q, q.len);
        store_sent(&store, out.len);
        answer(&q, slice_of(payload, q.len));
    }
}

static void fire(const char *token)
{
    char event[32] = "p";
    strcpy(event + 2, token);
    say(XS_WATCH_EVENT, 0, slice_of(event, 3 + strlen(token)));
}

/* --- questions --- */

static enum err result;
static char text[64];
static unsigned answers;

static void done(struct store_request *r, enum err e, struct slice a)
{
    (void)r;
    result = e;
    answers++;
    a = slice_take(a, sizeof text - 1);
    if (a.len)
        memcpy(text, a.ptr, a.len);
    text[a.len] = '\0';
}

static int setup(void **state)
{
    (void)state;
    log_configure(SLICE("quiet"));
    store_init(&store);
    node_count = answers = 0;
    said[0] = '\0';
    now = CLOCK_SEC;
    return 0;
}

static void reads(void **state)
{
    struct store_request r = {.type = XS_READ, .path = SLICE_INIT("a/b"), .done = done};
    (void)state;
    node("a/b", "value");
    store_ask(&store, &r);
    serve();
    assert_int_equal(result, OK);
    assert_string_equal(text, "value");
    r.path = SLICE("a/c");
    store_ask(&store, &r);
    serve();
    assert_int_equal(result, ERR_NOT_FOUND);
}

static void answers_come_in_order(void **state)
{
    struct store_request r[3];
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        r[i] = (struct store_request){.type = XS_READ, .path = SLICE("x"), .done = done};
        store_ask(&store, &r[i]);
    }
    for (unsigned i = 0; i < 3; i++)
        store_sent(&store, store_output(&store, now).len);
    say(XS_READ, r[1].id, SLICE("2")); /* out of turn */
    assert_int_equal(answers, 0);
    assert_int_equal(store.counters.unasked, 1);
    say(XS_READ, r[0].id, SLICE("1"));
    assert_string_equal(text, "1");
    say(XS_WRITE, r[1].id, SLICE("2")); /* of another kind */
    assert_int_equal(answers, 1);
}

static void waits_no_longer_than_it_should(void **state)
{
    struct store_request r = {.type = XS_READ, .path = SLICE_INIT("x"), .done = done};
    (void)state;
    store_ask(&store, &r);
    store_sent(&store, store_output(&store, now).len);
    assert_int_equal(store_deadline(&store), now + STORE_DEADLINE);
    store_expire(&store, now + STORE_DEADLINE);
    assert_int_equal(result, ERR_TIMEOUT);
    say(XS_READ, r.id, SLICE("late"));
    assert_int_equal(answers, 1);
    assert_int_equal(store.counters.unasked, 1);
}

static void too_long_a_message_ends_it(void **state)
{
    struct store_request r = {.type = XS_READ, .path = SLICE_INIT("x"), .done = done};
    struct xsd_sockmsg head = {.type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1};
    (void)state;
    store_ask(&store, &r);
    store_input(&store, slice_of(&head, sizeof head));
    assert_true(store.closed);
    store_expire(&store, now);
    assert_int_equal(result, ERR_CLOSED);
    assert_int_equal(store_output(&store, now).len, 0);
}

static void too_long_a_path_is_not_asked(void **state)
{
    static uint8_t path[STORE_PATH_MAX];
    struct store_request r = {.type = XS_READ, .done = done};
    (void)state;
    r.path = slice_of(path, sizeof path);
    store_ask(&store, &r);
    assert_int_equal(store_output(&store, now).len, 0);
    assert_int_equal(result, ERR_LIMIT);
}

static void events_that_nobody_waits_for(void **state)
{
    (void)state;
    fire("7");
    fire("x");
    say(XS_WATCH_EVENT, 0, SLICE("no token"));
    assert_int_equal(store.counters.unasked, 3);
}

/* --- a device --- */

static unsigned connects, disconnects;
static bool up;

static bool connect(struct front *f)
{
    connects++;
    front_tell(f, "ring-ref", 9);
    return true;
}

static void connected(struct front *f)
{
    (void)f;
    up = true;
}

static void disconnect(struct front *f)
{
    (void)f;
    disconnects++;
    up = false;
}

static uint64_t clock(void)
{
    return now;
}

static const char *const front_keys[] = {"mac", NULL}, *const back_keys[] = {"feature-sg", NULL};
static const struct front_kind kind = {.class = "vif",
                                       .front_keys = front_keys,
                                       .back_keys = back_keys,
                                       .published = XenbusStateConnected,
                                       .connect = connect,
                                       .connected = connected,
                                       .disconnect = disconnect};

static void open(struct front *f)
{
    connects = disconnects = 0;
    up = false;
    node("device/vif/0/backend", "/b");
    node("device/vif/0/backend-id", "5");
    node("device/vif/0/mac", "m");
    node("/b/state", "2");
    node("/b/feature-sg", "1");
    front_open(f, &kind, &store, 0, clock);
    serve();
}

static void backend_is(struct front *f, const char *value)
{
    node("/b/state", value);
    fire(f->back_watch.token);
    serve();
}

static void comes_up(void **state)
{
    static struct front f;
    (void)state;
    open(&f);
    assert_int_equal(connects, 1);
    assert_int_equal(f.domain, 5);
    assert_string_equal(f.front_values[0], "m");
    assert_int_equal(front_number(&f, f.back_values[0], 1, 0), 1);
    assert_string_equal(said, "device/vif/0/ring-ref=9;device/vif/0/state=4;");
    assert_false(f.up);
    backend_is(&f, "4");
    assert_true(f.up && up);
    assert_int_equal(front_deadline(&f), UINT64_MAX);
}

static void goes_and_comes_back(void **state)
{
    static struct front f;
    (void)state;
    open(&f);
    backend_is(&f, "4");
    said[0] = '\0';
    backend_is(&f, "5");
    assert_false(f.up);
    assert_int_equal(disconnects, 1);
    assert_string_equal(said, "device/vif/0/state=6;");
    backend_is(&f, "6"); /* the toolstack still wants it: it is asked back */
    assert_string_equal(said, "device/vif/0/state=6;device/vif/0/state=1;");
    backend_is(&f, "2");
    assert_int_equal(connects, 2);
    backend_is(&f, "4");
    assert_true(up);
}

static void detached_and_attached(void **state)
{
    static struct front f;
    (void)state;
    open(&f);
    backend_is(&f, "4");
    node("device/vif/0/backend", "");
    fire(f.watch.token);
    serve();
    assert_false(f.present || f.up);
    assert_int_equal(disconnects, 1);
    node("device/vif/0/backend", "/c");
    node("/c/state", "2");
    fire(f.watch.token);
    serve();
    assert_int_equal(connects, 2);
    node("/c/state", "4");
    fire(f.back_watch.token);
    serve();
    assert_true(up);
}

static void a_silent_backend_is_asked_again(void **state)
{
    static struct front f;
    (void)state;
    open(&f);
    assert_int_equal(front_deadline(&f), now + FRONT_DEADLINE);
    now += FRONT_DEADLINE;
    front_expire(&f);
    serve();
    assert_int_equal(f.counters.late, 1);
    assert_int_equal(connects, 2); /* it is still ready for us */
    backend_is(&f, "4");
    assert_true(up);
}

static void nodes_of_the_wrong_kind(void **state)
{
    static struct front f;
    (void)state;
    open(&f);
    backend_is(&f, "99999999999999999999");
    backend_is(&f, "four");
    backend_is(&f, "a value that is longer than any that we know of");
    assert_true(f.counters.malformed >= 3);
    assert_false(f.up);
    backend_is(&f, "4");
    node("device/vif/0/backend-id", "-1");
    backend_is(&f, "4");
    assert_int_equal(f.domain, 0);
}

static void no_device(void **state)
{
    static struct front f;
    (void)state;
    front_open(&f, &kind, &store, 0, clock);
    serve();
    assert_true(f.looked && !f.present);
}

static void a_store_that_is_silent(void **state)
{
    static struct front f;
    (void)state;
    front_open(&f, &kind, &store, 0, clock);
    while (store_output(&store, now).len)
        store_sent(&store, store_output(&store, now).len);
    now += STORE_DEADLINE;
    store_expire(&store, now);
    assert_true(f.looked && !f.up);
    node("device/vif/0/backend", "/b");
    node("/b/state", "2");
    now += FRONT_DEADLINE;
    connects = 0;
    front_expire(&f);
    serve();
    assert_int_equal(connects, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
    const struct CMUnitTest tests[] = {
        TEST(reads),
        TEST(answers_come_in_order),
        TEST(waits_no_longer_than_it_should),
        TEST(too_long_a_message_ends_it),
        TEST(too_long_a_path_is_not_asked),
        TEST(events_that_nobody_waits_for),
        TEST(comes_up),
        TEST(goes_and_comes_back),
        TEST(detached_and_attached),
        TEST(a_silent_backend_is_asked_again),
        TEST(nodes_of_the_wrong_kind),
        TEST(no_device),
        TEST(a_store_that_is_silent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
