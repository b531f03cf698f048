/* See root.h. */
#include "lib/site/root.h"

#include "lib/text/url.h"

bool site_root_host(struct store *store, const struct oid *commit, char host[SITE_HOST_MAX + 1])
{
    struct git_entry entry;
    struct store_object file;
    struct slice rest, line = {NULL, 0};
    host[0] = 0;
    if (store_path(store, commit, SLICE(".config/root"), &entry) != OK ||
        store_read_as(store, &entry.oid, GIT_BLOB, &file) != OK)
        return false;
    rest = file.content;
    slice_line(&rest, &line);
    struct slice found = url_host(slice_trim(line));
    bool ok = found.len > 0 && found.len <= SITE_HOST_MAX;
    if (ok) {
        memcpy(host, found.ptr, found.len);
        host[found.len] = 0;
    }
    store_release(&file);
    return ok;
}
