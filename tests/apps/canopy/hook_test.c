/* The hook's proof: each git host's form of it, and everything that only looks like one. */
#include "apps/canopy/hook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* From GitHub's own documentation of webhook signatures. */
#define SECRET "It's a Secret to Everybody"
#define BODY   "Hello, World!"
#define MAC    "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

static bool proves(const char *name, const char *value, const char *body, const char *secret)
{
    struct http_request request = {.method = HTTP_POST};
    if (name) {
        request.fields[0].name = slice_text(name);
        request.fields[0].value = slice_text(value);
        request.field_count = 1;
        request.field_mask = http_field_bit(request.fields[0].name);
    }
    return hook_proves(&request, slice_text(body), slice_text(secret));
}

static void github_signs_the_body(void **state)
{
    (void)state;
    assert_true(proves("X-Hub-Signature-256", "sha256=" MAC, BODY, SECRET));
    assert_true(proves("x-hub-signature-256", "sha256=" MAC, BODY, SECRET));
    assert_false(proves("X-Hub-Signature-256", "sha256=" MAC, BODY "!", SECRET));
    assert_false(proves("X-Hub-Signature-256", "sha256=" MAC, BODY, SECRET "!"));
}

static void gitea_signs_without_a_prefix(void **state)
{
    (void)state;
    assert_true(proves("X-Gitea-Signature", MAC, BODY, SECRET));
    assert_false(proves("X-Gitea-Signature", "sha256=" MAC, BODY, SECRET));
}

static void gitlab_sends_the_secret(void **state)
{
    (void)state;
    assert_true(proves("X-Gitlab-Token", SECRET, BODY, SECRET));
    assert_false(proves("X-Gitlab-Token", "It's a Secret to Everybodz", BODY, SECRET));
    assert_false(proves("X-Gitlab-Token", "It's a Secret", BODY, SECRET));
    assert_false(proves("X-Gitlab-Token", "", BODY, SECRET));
}

static void nothing_else_is_proof(void **state)
{
    (void)state;
    assert_false(proves(NULL, NULL, BODY, SECRET));
    assert_false(proves("X-Hub-Signature", "sha1=" MAC, BODY, SECRET));
    assert_false(proves("X-Hub-Signature-256", MAC, BODY, SECRET));
    assert_false(proves("X-Hub-Signature-256", "sha256=", BODY, SECRET));
    assert_false(proves("X-Hub-Signature-256", "", BODY, SECRET));
    assert_false(proves("X-Hub-Signature-256", "sha256=757107", BODY, SECRET));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(github_signs_the_body),
        cmocka_unit_test(gitea_signs_without_a_prefix),
        cmocka_unit_test(gitlab_sends_the_secret),
        cmocka_unit_test(nothing_else_is_proof),
    };
    return cmocka_run_group_tests_name("canopy: hook", tests, NULL, NULL);
}
