/* The signer of a machine: that it signs in turns, in order, and forgets whoever does not care any more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "platform/pvh/signer.h"
#include "runtime/keyring.h"
#include "runtime/loop.h"
#include "signatures/clock.h"
#include "signatures/memory.h"
#include "tests/support/pki.h"

#define MANY  200u
#define ASKED SLICE("what is to be signed")

static struct signer *signer;

struct question {
    struct signing *signing;
    unsigned answers, order;
    enum err why;
    size_t len;
    struct question *cancels; /* when it is answered */
};

static struct question questions[MANY];
static unsigned answered;

static void on_signature(void *owner, enum err why, struct slice signature)
{
    struct question *q = owner;
    q->answers++;
    q->order = answered++;
    q->why = why;
    q->len = signature.len;
    if (q->cancels)
        signer_cancel(signer, q->cancels->signing);
}

static void ask(struct question *q, size_t key, uint16_t scheme)
{
    *q = (struct question){.signing = NULL};
    assert_int_equal(signer_sign(signer, key, scheme, ASKED, on_signature, q, &q->signing), OK);
    assert_int_equal(q->answers, 0);
}

static int open_signer(void **state)
{
    struct pki rsa = pki_make(&(struct pki_request){.name = "rsa", .algorithm = SIGNER_RSA}, NULL);
    struct pki ecdsa = pki_make(&(struct pki_request){.name = "ecdsa"}, NULL);
    const struct pki_entry entries[] = {{"rsa", {&rsa, NULL}}, {"ecdsa", {&ecdsa, NULL}}};
    struct buf keys, error;
    (void)state;
    buf_init(&keys, KEYRING_KEYS_SIZE);
    buf_init(&error, 512);
    pki_keys(&keys, entries, 2);
    assert_int_equal(machine_signer_open(buf_slice(&keys), &signer, &error), OK);
    buf_deinit(&keys);
    pki_free(&rsa);
    pki_free(&ecdsa);
    return 0;
}

static int begin(void **state)
{
    (void)state;
    answered = 0;
    return 0;
}

/* All that else waits for the loop has its turn in between. */
static void many_at_once_are_signed_in_turns(void **state)
{
    unsigned rounds = 0;
    (void)state;
    for (size_t i = 0; i < MANY; i++)
        ask(&questions[i], 0, SIGNER_RSA_PSS_SHA256);
    for (unsigned before = 0; answered < MANY; rounds++, before = answered) {
        loop_round(clock_monotonic());
        assert_true(answered > before);
    }
    assert_true(rounds > 10);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(questions[i].answers, 1);
        assert_int_equal(questions[i].order, i);
        assert_int_equal(questions[i].why, OK);
        assert_int_equal(questions[i].len, 256);
    }
}

static void whoever_is_cancelled_is_not_answered(void **state)
{
    uint64_t blocks = memory_stats().blocks;
    (void)state;
    for (size_t i = 0; i < 5; i++)
        ask(&questions[i], 1, SIGNER_ECDSA_P256_SHA256);
    signer_cancel(signer, questions[0].signing);
    questions[1].cancels = &questions[2]; /* the next */
    questions[3].cancels = &questions[4]; /* the last */
    for (int i = 0; i < 10; i++)
        loop_round(clock_monotonic());
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(questions[i].answers, i % 2);
    assert_int_equal(memory_stats().blocks, blocks);
}

static void what_cannot_be_signed(void **state)
{
    static uint8_t long_one[SIGNER_MESSAGE_MAX + 1];
    struct slice too_long = slice_of(long_one, sizeof long_one);
    struct question q = {.signing = NULL};
    (void)state;
    assert_int_equal(
        signer_sign(signer, 1, SIGNER_RSA_PSS_SHA256, ASKED, on_signature, &q, &q.signing),
        ERR_ARGUMENT);
    assert_int_equal(
        signer_sign(signer, 2, SIGNER_RSA_PSS_SHA256, ASKED, on_signature, &q, &q.signing),
        ERR_ARGUMENT);
    assert_int_equal(
        signer_sign(signer, 0, SIGNER_RSA_PSS_SHA256, too_long, on_signature, &q, &q.signing),
        ERR_LIMIT);
    loop_round(clock_monotonic());
    assert_int_equal(q.answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(many_at_once_are_signed_in_turns, begin),
        cmocka_unit_test_setup(whoever_is_cancelled_is_not_answered, begin),
        cmocka_unit_test_setup(what_cannot_be_signed, begin),
    };
    return cmocka_run_group_tests_name("pvh/signer", tests, open_signer, NULL);
}
