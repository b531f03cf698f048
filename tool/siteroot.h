/* The host that baked-in content says to be served at: .config/root of its commit. */
#ifndef TOOL_SITEROOT_H
#define TOOL_SITEROOT_H

#include "lib/site/root.h"

/* bundle: a git bundle, or nothing. False where it names no host. */
bool siteroot_host(struct slice bundle, char host[SITE_HOST_MAX + 1]);

#endif
