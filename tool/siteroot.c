/* See siteroot.h. */
#include "tool/siteroot.h"

#include "lib/git/bundle.h"

static bool first_commit(const struct git_bundle *bundle, struct oid *into)
{
    struct slice refs = bundle->refs;
    struct git_bundle_ref ref;
    bool found = git_bundle_next(bundle->kind, &refs, &ref);
    if (found)
        *into = ref.oid;
    return found;
}

/* The bundle's objects, or NULL. */
static struct store *open_store(const struct git_bundle *bundle)
{
    struct store_pack *pack;
    struct store *store = store_open(bundle->kind, NULL);
    if (!store || store_pack_begin(store, &pack) != OK) {
        store_close(store);
        return NULL;
    }
    (void)store_pack_feed(pack, bundle->pack); /* its end tells of what was wrong */
    if (store_pack_end(pack, NULL) == OK)
        return store;
    store_close(store);
    return NULL;
}

bool siteroot_host(struct slice bytes, char host[SITE_HOST_MAX + 1])
{
    struct git_bundle bundle;
    struct oid commit;
    if (bytes.len == 0 || git_bundle_parse(bytes, &bundle) != OK || !first_commit(&bundle, &commit))
        return false;
    struct store *store = open_store(&bundle);
    bool found = store && store_peel(store, &commit) == OK && site_root_host(store, &commit, host);
    if (store)
        store_close(store);
    return found;
}
