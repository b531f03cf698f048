/*
 * Which groups we are in, told to the link (RFC 3810): those of our addresses' solicitations
 * (RFC 4861, 7.2.1), so that switches which listen pass them on. A host's least part: a report when
 * a group is joined, once more in case it was lost, and answers to queries of both versions. That
 * one was left is not told: it ends by itself.
 */
#ifndef LIB_IP_MLD_H
#define LIB_IP_MLD_H

#include <stdbool.h>
#include <stdint.h>

#include "signatures/clock.h"

#define MLD_REPEAT       (1 * CLOCK_SEC) /* at most, before a report is sent once more */
#define MLD_ROBUSTNESS   2u              /* how often a change is told */
#define MLD_RESPONSE_MAX (10 * CLOCK_SEC)

struct mld {
    uint64_t change_due; /* the next report of a change, or WAIT_FOREVER */
    uint64_t answer_due; /* the answer to a query */
    uint8_t left;        /* reports of a change */
    bool version1;       /* the answer is to be of version 1 */
};

#endif
