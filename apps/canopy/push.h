/* Push: the hook's answers. A push waits until its update has ended, but not for ever. */
#ifndef APPS_CANOPY_PUSH_H
#define APPS_CANOPY_PUSH_H

#include "apps/canopy/web.h"

/* Answers a POST to the hook, now or when the update has ended: 200 with what it came to, 202 when
 * it takes longer than WEB_HOOK_PATIENCE or too many wait, 403 without proof, 502 when it failed. */
void push_answer(struct web *w, struct http_exchange *x, const struct http_request *request,
                 struct slice body);

#endif
