/* See hook.h. */
#include "apps/canopy/hook.h"

#include "lib/hash/sha256.h"

static bool signed_with(struct slice hex, struct slice body, struct slice secret)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t mac[32];
    uint8_t expected[64];
    hmac_sha256(secret, body, mac);
    for (size_t i = 0; i < sizeof(mac); i++) {
        expected[2 * i] = (uint8_t)digits[mac[i] >> 4];
        expected[2 * i + 1] = (uint8_t)digits[mac[i] & 15];
    }
    return slice_equal_secret(hex, slice_of(expected, sizeof(expected)));
}

bool hook_proves(const struct http_request *request, struct slice body, struct slice secret)
{
    const struct slice *field = http_field(request, SLICE("X-Hub-Signature-256"));
    if (field)
        return slice_starts(*field, SLICE("sha256=")) &&
               signed_with(slice_drop(*field, 7), body, secret);
    field = http_field(request, SLICE("X-Gitea-Signature"));
    if (field)
        return signed_with(*field, body, secret);
    field = http_field(request, SLICE("X-Gitlab-Token"));
    return field && slice_equal_secret(*field, secret);
}
