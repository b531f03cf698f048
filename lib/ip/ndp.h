/*
 * The form of NDP messages (RFC 4861, 4): their types, and the options that follow the fixed part.
 * Private to lib/ip.
 */
#ifndef LIB_IP_NDP_H
#define LIB_IP_NDP_H

#include "lib/ethernet/ethernet.h"
#include "runtime/slice.h"

enum ndp_type {
    NDP_ROUTER_SOLICITATION = 133,
    NDP_ROUTER_ADVERTISEMENT = 134,
    NDP_SOLICITATION = 135,
    NDP_ADVERTISEMENT = 136,
    NDP_REDIRECT = 137
};

enum ndp_option {
    NDP_SOURCE_LINK = 1,
    NDP_TARGET_LINK = 2,
    NDP_PREFIX = 3,
    NDP_MTU = 5,
    NDP_NONCE = 14, /* RFC 7527 */
    NDP_ROUTE = 24, /* RFC 4191 */
    NDP_RDNSS = 25  /* RFC 8106 */
};

/* Bytes before the options: of a solicitation and an advertisement, of a redirect. */
#define NDP_HEAD_NEIGHBOUR 24u
#define NDP_HEAD_REDIRECT  40u
#define NDP_OPTIONS_MAX    64u /* of one message */

/* Takes the next option off: its body is what follows its type and length. False: there is none. */
bool ndp_option(struct slice *rest, uint8_t *type, struct slice *body);

/* Whether all of them are well-formed, and not too many. */
bool ndp_options_good(struct slice options);

/* The first of that type, or an empty slice. */
struct slice ndp_option_find(struct slice options, uint8_t type);

/* The station in a link-layer address option. False: there is none, or it cannot be one. */
bool ndp_station(struct slice options, uint8_t type, struct mac *into);

#endif
