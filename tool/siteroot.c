/* See siteroot.h. */
#include "tool/siteroot.h"

#include "lib/git/bundle.h"
#include "lib/store/store.h"
#include "lib/text/url.h"

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

static bool read_host(struct store *store, const struct oid *commit,
                      char host[SITEROOT_HOST_MAX + 1])
{
    struct git_entry entry;
    struct store_object file;
    struct slice rest, line = {NULL, 0};
    if (store_path(store, commit, SLICE(".config/root"), &entry) != OK ||
        store_read_as(store, &entry.oid, GIT_BLOB, &file) != OK)
        return false;
    rest = file.content;
    slice_line(&rest, &line);
    struct slice found = url_host(slice_trim(line));
    bool ok = found.len > 0 && found.len <= SITEROOT_HOST_MAX;
    if (ok) {
        memcpy(host, found.ptr, found.len);
        host[found.len] = 0;
    }
    store_release(&file);
    return ok;
}

bool siteroot_host(struct slice bytes, char host[SITEROOT_HOST_MAX + 1])
{
    struct git_bundle bundle;
    struct oid commit;
    if (bytes.len == 0 || git_bundle_parse(bytes, &bundle) != OK || !first_commit(&bundle, &commit))
        return false;
    struct store *store = open_store(&bundle);
    bool found = store && read_host(store, &commit, host);
    if (store)
        store_close(store);
    return found;
}
