/* SHA-1 with detection, SHA-256, HMAC: published vectors, any pieces, and a real collision. */
#include "lib/hash/sha1.h"
#include "lib/hash/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A file of one of the two halves of the first published collision, brought by the recipe. */
#define SHATTERED "build/deps/sha1dc/share/shattered-1.pdf"

static void assert_digest(const uint8_t *digest, size_t n, const char *hex)
{
    char text[65];
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    assert_string_equal(text, hex);
}

static void assert_sha1(struct slice bytes, const char *hex)
{
    uint8_t digest[SHA1_BYTES];
    struct sha1 h;
    sha1_init(&h);
    sha1_update(&h, bytes);
    assert_true(sha1_final(&h, digest));
    assert_digest(digest, sizeof(digest), hex);
}

static void assert_sha256(struct slice bytes, const char *hex)
{
    uint8_t digest[SHA256_BYTES];
    sha256_of(bytes, digest);
    assert_digest(digest, sizeof(digest), hex);
}

static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

/* FIPS 180-4's examples. */
static void sha1_vectors(void **state)
{
    (void)state;
    assert_sha1(slice_of(NULL, 0), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    assert_sha1(SLICE("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_sha1(slice_text(two_blocks), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
}

static void sha256_vectors(void **state)
{
    (void)state;
    assert_sha256(slice_of(NULL, 0),
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sha256(SLICE("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sha256(slice_text(two_blocks),
                  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* A million times "a", in pieces of every size: the same as at once. */
static void pieces(void **state)
{
    (void)state;
    static uint8_t text[1000000];
    uint8_t digest[SHA256_BYTES];
    memset(text, 'a', sizeof(text));
    assert_sha1(slice_of(text, sizeof(text)), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    for (size_t size = 1; size < 200; size += 7) {
        struct sha1 one;
        struct sha256 two;
        struct slice rest = slice_of(text, sizeof(text));
        sha1_init(&one);
        sha256_init(&two);
        for (; rest.len > 0; rest = slice_drop(rest, size)) {
            sha1_update(&one, slice_take(rest, size));
            sha256_update(&two, slice_take(rest, size));
        }
        assert_true(sha1_final(&one, digest));
        assert_digest(digest, SHA1_BYTES, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
        sha256_final(&two, digest);
        assert_digest(digest, SHA256_BYTES,
                      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    }
}

/* A context may be copied, and both go on. */
static void copies(void **state)
{
    (void)state;
    uint8_t digest[SHA1_BYTES];
    struct sha1 h;
    sha1_init(&h);
    sha1_update(&h, SLICE("a"));
    struct sha1 copy = h;
    sha1_update(&h, SLICE("bc"));
    sha1_update(&copy, SLICE("bc"));
    assert_true(sha1_final(&h, digest));
    assert_true(sha1_final(&copy, digest));
    assert_digest(digest, sizeof(digest), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

/* RFC 4231, test cases 1, 2 and 6, and an empty key. */
static void hmac_vectors(void **state)
{
    (void)state;
    uint8_t key[131];
    uint8_t code[SHA256_BYTES];
    memset(key, 0x0b, sizeof(key));
    hmac_sha256(slice_of(key, 20), SLICE("Hi There"), code);
    assert_digest(code, sizeof(code),
                  "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    hmac_sha256(SLICE("Jefe"), SLICE("what do ya want for nothing?"), code);
    assert_digest(code, sizeof(code),
                  "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof(key));
    hmac_sha256(slice_of(key, sizeof(key)),
                SLICE("Test Using Larger Than Block-Size Key - Hash Key First"), code);
    assert_digest(code, sizeof(code),
                  "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    hmac_sha256(slice_of(NULL, 0), slice_of(NULL, 0), code);
    assert_digest(code, sizeof(code),
                  "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static struct slice read_shattered(void)
{
    static uint8_t bytes[500000];
    FILE *f = fopen(SHATTERED, "rb");
    if (f == NULL)
        fail_msg("there is no %s: run deps/get --link build/deps sha1dc", SHATTERED);
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    return slice_of(bytes, n);
}

static void a_collision_is_noticed(void **state)
{
    (void)state;
    uint8_t digest[SHA1_BYTES];
    struct slice pdf = read_shattered();
    for (size_t size = 1; size <= 1 << 20; size = size * 5 + 3) {
        struct sha1 h;
        sha1_init(&h);
        for (struct slice rest = pdf; rest.len > 0; rest = slice_drop(rest, size))
            sha1_update(&h, slice_take(rest, size));
        assert_false(sha1_final(&h, digest));
    }
    struct sha1 h;
    sha1_init(&h);
    sha1_update(&h, slice_take(pdf, 192)); /* before the blocks that collide */
    assert_true(sha1_final(&h, digest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha1_vectors), cmocka_unit_test(sha256_vectors),
        cmocka_unit_test(pieces),       cmocka_unit_test(copies),
        cmocka_unit_test(hmac_vectors), cmocka_unit_test(a_collision_is_noticed),
    };
    return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
