/* See secure.h. */
#include "apps/canopy/secure.h"

#include "lib/date/text.h"
#include "lib/git/escape.h"
#include "lib/x509/x509.h"
#include "runtime/format.h"
#include "runtime/keyring.h"
#include "runtime/log.h"
#include "signatures/clock.h"

#define CLOSING_LOOK (20 * CLOCK_MS)
#define ERROR_MAX    256

static int64_t now_seconds(void)
{
    return clock_wall() / (int64_t)CLOCK_SEC;
}

/* --- days left --- */

/* The next chain that is served, by its name and leaf. */
static bool next_leaf(struct keyring *ring, struct slice *name, struct x509 *leaf)
{
    struct keyring_entry entry;
    struct slice der;
    while (keyring_next(ring, &entry)) {
        *name = entry.name;
        if (keyring_der(&entry.bytes, &der) && x509_read(der, leaf) == OK)
            return true;
    }
    return false;
}

static void say_days(struct slice name, const struct x509 *leaf)
{
    char date[DATE_DAY_LEN + 1], called[X509_TEXT_MAX];
    int64_t now = now_seconds();
    int64_t days = x509_days_left(leaf, now);
    date_day_format(leaf->not_after, date);
    if (now > leaf->not_after)
        log_error("tls", "the certificate %.*s (%s) EXPIRED on %s: clients refuse it",
                  SLICE_ARG(name), x509_called(leaf, called), date);
    else if (days <= SECURE_DAYS_LEFT)
        log_warning("tls", "the certificate %.*s (%s) has %lld days left, until %s",
                    SLICE_ARG(name), x509_called(leaf, called), (long long)days, date);
}

static void say_all_days(const struct secure *s)
{
    struct keyring ring;
    struct slice name;
    struct x509 leaf;
    if (keyring_open(&ring, KEYRING_CERTS, buf_slice(&s->certificates.served)) != OK)
        return;
    while (next_leaf(&ring, &name, &leaf))
        say_days(name, &leaf);
}

/* --- changes --- */

/* Why something failed: in the words of who refused it, if there are any. */
static struct slice reason(const struct buf *words, enum err e)
{
    return words->len > 0 ? buf_slice(words) : slice_text(err_text(e));
}

/* A section makes room for another one, and is back where that is refused: neither takes memory. */
static struct buf put_aside(struct buf *section)
{
    struct buf before = *section;
    buf_init(section, before.max);
    return before;
}

static void decide(struct buf *section, struct buf *before, bool taken)
{
    buf_deinit(taken ? before : section);
    if (!taken)
        *section = *before;
}

/* Chooses again, and takes it into use where it differs. False: all is as it was, and why is logged and
 * left in `problem`. */
static bool refresh(struct secure *s, char problem[CERTIFICATES_PROBLEM_MAX])
{
    struct certificates *c = &s->certificates;
    struct buf error, before = put_aside(&c->served);
    buf_init(&error, ERROR_MAX);
    enum err e = certificates_choose(c, now_seconds());
    bool same = e == OK && slice_equal(buf_slice(&before), buf_slice(&c->served));
    if (e == OK && !same)
        e = tls_server_certificates(s->server, buf_slice(&c->served), &error);
    if (e != OK) {
        format_text(problem, CERTIFICATES_PROBLEM_MAX,
                    "the new certificates are refused, the old ones stay: %.*s",
                    SLICE_ARG(reason(&error, e)));
        log_warning("tls", "%s", problem);
    } else if (!same) {
        log_info("tls", "new certificates are in use for new connections");
        say_all_days(s);
    }
    decide(&c->served, &before, e == OK);
    buf_deinit(&error);
    return e == OK;
}

void secure_reload(struct secure *s, struct slice certificates)
{
    char problem[CERTIFICATES_PROBLEM_MAX];
    struct buf before = put_aside(&s->certificates.image);
    log_info("tls", "looking at the image's certificates again");
    enum err e = certificates_from_image(&s->certificates, certificates);
    if (e != OK)
        log_warning("tls", "the image's certificates cannot be read: %s", err_text(e));
    decide(&s->certificates.image, &before, e == OK && refresh(s, problem));
}

#define NO_FIT "no certificate is for"
#define NAMED  ", which the content names in .config/root"

void secure_follow(struct secure *s, struct store *store, const struct oid *commit)
{
    struct certificates *c = &s->certificates;
    char root[sizeof c->root];
    memcpy(root, c->root, sizeof root);
    struct buf before = put_aside(&c->repository);
    enum err e = certificates_from_repository(c, store, commit);
    decide(&c->repository, &before, e == OK && refresh(s, c->problem));
    if (strcmp(root, c->root) != 0 && !certificates_fit_root(c))
        log_warning("tls", NO_FIT " %s" NAMED, c->root);
}

static bool look_again(struct secure *s)
{
    return timer_start(&s->look, clock_monotonic() + SECURE_LOOK_NS);
}

static void on_look(struct timer *t)
{
    struct secure *s = CONTAINER(t, struct secure, look);
    char problem[CERTIFICATES_PROBLEM_MAX];
    (void)look_again(s); /* it takes the place that it has just left */
    (void)refresh(s, problem);
    if (++s->looks % SECURE_DAY_LOOKS == 0)
        say_all_days(s);
}

/* --- start and end --- */

#define PLAIN_TEXT "This port speaks HTTPS: the address begins with https://\n"
#define PLAIN_ANSWER                                                          \
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n" \
    "Content-Length: 57\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n" PLAIN_TEXT
_Static_assert(sizeof PLAIN_TEXT - 1 == 57, "Content-Length");

static enum err open_server(struct secure *s, const struct world *world)
{
    static const char *const protocols[] = {"http/1.1"};
    const struct tls_server_config config = {
        .signer = world->signer,
        .certificates = buf_slice(&s->certificates.served),
        .protocols = protocols,
        .protocol_count = 1,
        .plain_answer = SLICE(PLAIN_ANSWER),
    };
    struct buf error;
    buf_init(&error, ERROR_MAX);
    enum err e = tls_server_open(&config, &s->server, &error);
    s->stack = e == OK ? tls_server_stack(s->server, world->stack) : NULL;
    if (e == OK && !s->stack) {
        tls_server_close(s->server);
        e = ERR_MEMORY;
    }
    if (e != OK)
        log_error("tls", "cannot serve HTTPS: %.*s", SLICE_ARG(reason(&error, e)));
    buf_deinit(&error);
    return e;
}

static void on_closing(struct timer *t);

enum err secure_start(struct secure *s, const struct world *world)
{
    *s = (struct secure){.server = NULL};
    timer_init(&s->look, on_look);
    timer_init(&s->closing, on_closing);
    certificates_init(&s->certificates, world->signer);
    enum err e = look_again(s) ? OK : ERR_MEMORY;
    if (e == OK)
        e = certificates_from_image(&s->certificates, world->certificates);
    if (e == OK)
        e = certificates_choose(&s->certificates, now_seconds());
    if (e == OK && (s->certificates.served.len == 0 || signer_count(world->signer) == 0)) {
        log_error("tls", "the image holds no keys: put server.key and server.pem into tls/ and "
                         "configure again, or run `ringlet keys IMAGE DIR`");
        e = ERR_ARGUMENT;
    } else if (e != OK) {
        log_error("tls", "the image's certificates cannot be read: %s", err_text(e));
    } else {
        e = open_server(s, world);
    }
    if (e != OK) {
        timer_stop(&s->look);
        certificates_deinit(&s->certificates);
        return e;
    }
    say_all_days(s);
    return OK;
}

static void on_closing(struct timer *t)
{
    struct secure *s = CONTAINER(t, struct secure, closing);
    uint64_t now = clock_monotonic();
    if (tls_server_counters(s->server).open > 0 && now < s->patience &&
        timer_start(&s->closing, now + CLOSING_LOOK))
        return;
    tls_server_close(s->server);
    certificates_deinit(&s->certificates);
    s->stopped();
}

void secure_stop(struct secure *s, uint32_t seconds, void (*stopped)(void))
{
    s->stopped = stopped;
    s->patience = clock_monotonic() + seconds * CLOCK_SEC;
    timer_stop(&s->look); /* whose place the other timer takes */
    on_closing(&s->closing);
}

/* --- status --- */

void secure_problems(const struct secure *s, struct buf *b)
{
    if (s->certificates.problem[0])
        buf_printf(b, "mend: %s\n", s->certificates.problem);
    if (certificates_fit_root(&s->certificates))
        return;
    buf_text(b, "mend: " NO_FIT " ");
    git_put_escaped(b, slice_text(s->certificates.root));
    buf_text(b, NAMED "\n");
}

static void put_certificates(const struct secure *s, struct buf *b)
{
    struct keyring ring;
    struct slice name;
    struct x509 leaf;
    if (keyring_open(&ring, KEYRING_CERTS, buf_slice(&s->certificates.served)) != OK)
        return;
    while (next_leaf(&ring, &name, &leaf)) {
        char date[DATE_DAY_LEN + 1], called[X509_TEXT_MAX];
        date_day_format(leaf.not_after, date);
        buf_printf(b, "certificate %.*s: %s, until %s, %lld days left\n", SLICE_ARG(name),
                   x509_called(&leaf, called), date,
                   (long long)x509_days_left(&leaf, now_seconds()));
    }
}

void secure_status(const struct secure *s, struct buf *b)
{
    const struct tls_counters n = tls_server_counters(s->server);
    const struct {
        const char *name;
        uint64_t value;
    } lines[] = {
        {"accepted", n.accepted},
        {"finished", n.finished},
        {"resumed", n.resumed},
        {"1.2", n.tls12},
        {"unfinished", n.unfinished},
        {"open", n.open},
        {"shed", n.shed},
        {"timeouts", n.timeouts},
        {"lost", n.lost},
        {"malformed", n.malformed},
        {"oversized", n.oversized},
        {"nothing in common", n.no_common},
        {"plain http", n.plain_http},
        {"alerts", n.alerts},
        {"renegotiations", n.renegotiations},
        {"broken records", n.broken_records},
        {"truncated", n.truncated},
        {"signer failures", n.signer_failures},
        {"no memory", n.no_memory},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        buf_printf(b, "tls %s: %llu\n", lines[i].name, (unsigned long long)lines[i].value);
    put_certificates(s, b);
}
