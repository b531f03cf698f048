/* The host that a repository says to be served at: that of the URL in .config/root. */
#ifndef LIB_SITE_ROOT_H
#define LIB_SITE_ROOT_H

#include "lib/store/store.h"

#define SITE_HOST_MAX 253

/* False, and "": it names none, or one that is too long. */
bool site_root_host(struct store *store, const struct oid *commit, char host[SITE_HOST_MAX + 1]);

#endif
