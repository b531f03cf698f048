/* Parts of an absolute URL (RFC 3986, 3). */
#ifndef LIB_TEXT_URL_H
#define LIB_TEXT_URL_H

#include "runtime/slice.h"

/* The host of SCHEME://[USER@]HOST[:PORT][/...], an IPv6 address without its brackets; a part of the
 * text. Empty where there is none. */
struct slice url_host(struct slice url);

#endif
