/*
 * The hook's proof: that whoever asks for an update knows the secret.
 *
 * GitHub and Gitea sign the body with HMAC-SHA-256 (X-Hub-Signature-256: "sha256=HEX";
 * X-Gitea-Signature: HEX); GitLab sends the secret itself (X-Gitlab-Token).
 */
#ifndef APPS_CANOPY_HOOK_H
#define APPS_CANOPY_HOOK_H

#include "lib/http/request.h"

#define HOOK_BODY_MAX \
    (8u << 20) /* bytes of a push's description; GitHub's are mostly below 1 MiB */

/* Whether the request proves to know the secret. Takes time that does not depend on how much of a
 * wrong proof is right. */
bool hook_proves(const struct http_request *request, struct slice body, struct slice secret);

#endif
