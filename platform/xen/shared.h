/*
 * A page that a backend reaches, and the number of the grant by which it does. What comes to be shared is
 * zeroed, and what a backend does not let go of is left to it for ever, and counted.
 */
#ifndef PLATFORM_XEN_SHARED_H
#define PLATFORM_XEN_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#define SHARED_ABANDONED_MAX 1024u /* of one device: then no backend is trusted any more */

/* Makes both anew where they are none (NULL, GRANT_NONE), or where the former backend holds the page: then
 * `abandoned` rises. True: nobody else reaches the page, and it is zeroed. False: no memory, or no grants;
 * what there is stays, for shared_free or another try. */
bool shared_renew(uint8_t **page, uint32_t *number, uint32_t *abandoned);

/* Gives both back, or leaves them to a backend that holds the page. */
void shared_free(uint8_t *page, uint32_t number);

#endif
