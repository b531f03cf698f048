/* See keyfolder.h. */
#include "tool/keyfolder.h"

#include "runtime/keyring.h"
#include "signatures/clock.h"
#include "tool/keypair.h"
#include "tool/siteroot.h"
#include "tool/tool.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES_MAX 4096 /* names of certificates and keys that are looked at in a folder */

/* --- which files there are --- */

struct names {
    char **items; /* without their ending, sorted: "server" first */
    size_t count;
};

static void release_names(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
    *n = (struct names){NULL, 0};
}

/* The length of a name without its ending, 0 for a file that is none of ours. */
static size_t stem(const char *file)
{
    size_t len = strlen(file);
    if (file[0] == '.' || len <= 4)
        return 0;
    const char *ending = file + len - 4;
    return strcmp(ending, ".pem") == 0 || strcmp(ending, ".key") == 0 ? len - 4 : 0;
}

static bool has_name(const struct names *n, const char *name, size_t len)
{
    for (size_t i = 0; i < n->count; i++)
        if (strlen(n->items[i]) == len && memcmp(n->items[i], name, len) == 0)
            return true;
    return false;
}

static bool add_name(struct names *n, const char *folder, const char *file)
{
    size_t len = stem(file);
    if (len == 0 || has_name(n, file, len))
        return true;
    if (n->count == FILES_MAX) {
        tool_error("%s holds too many files", folder);
        return false;
    }
    if (!(n->items = realloc(n->items, (n->count + 1) * sizeof(*n->items))))
        abort();
    n->items[n->count++] = tool_text("%.*s", (int)len, file);
    return true;
}

static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    bool first = strcmp(x, "server") == 0, second = strcmp(y, "server") == 0;
    return first || second ? second - first : strcmp(x, y);
}

static bool list_names(const char *folder, struct names *into)
{
    DIR *list = opendir(folder);
    *into = (struct names){NULL, 0};
    if (!list) {
        tool_error("%s cannot be read: %s", folder, strerror(errno));
        return false;
    }
    bool ok = true;
    for (const struct dirent *d; ok && (d = readdir(list));)
        ok = add_name(into, folder, d->d_name);
    closedir(list);
    if (into->count > 1)
        qsort(into->items, into->count, sizeof(*into->items), by_name);
    if (!ok)
        release_names(into);
    return ok;
}

bool keyfolder_has_files(const char *folder)
{
    struct names names;
    if (access(folder, F_OK) != 0 || !list_names(folder, &names))
        return false;
    bool any = names.count > 0;
    release_names(&names);
    return any;
}

static bool has_file(const char *folder, const char *name, const char *ending)
{
    char *path = tool_text("%s/%s.%s", folder, name, ending);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static bool check_halves(const char *folder, const struct names *n)
{
    if (n->count == 0) {
        tool_error("%s holds neither server.pem with server.key, nor a pair for any other name",
                   folder);
        return false;
    }
    for (size_t i = 0; i < n->count; i++) {
        bool pem = has_file(folder, n->items[i], "pem");
        if (pem && has_file(folder, n->items[i], "key"))
            continue;
        tool_error("%s/%s.%s is missing: there is a .%s without it", folder, n->items[i],
                   pem ? "key" : "pem", pem ? "pem" : "key");
        return false;
    }
    return true;
}

/* --- what they hold --- */

static bool write_section(const char *folder, enum keyring_kind kind,
                          const struct keyring_entry *entries, size_t count, struct buf *into)
{
    enum err e = keyring_write(into, kind, entries, count);
    if (e == ERR_LIMIT)
        tool_error("%s holds more than an image has room for: at most %u pairs, with %zu KiB of %s",
                   folder, KEYRING_ENTRIES_MAX,
                   (kind == KEYRING_KEYS ? KEYRING_KEYS_SIZE : KEYRING_CERTS_SIZE) / 1024,
                   kind == KEYRING_KEYS ? "keys" : "certificates");
    else if (e != OK)
        tool_error("%s: %s", folder, err_text(e));
    return e == OK;
}

static bool write_sections(const char *folder, const struct keypair *pairs, size_t count,
                           struct keyfolder *into)
{
    struct keyring_entry keys[KEYRING_ENTRIES_MAX], certs[KEYRING_ENTRIES_MAX];
    for (size_t i = 0; i < count; i++) {
        struct slice name = slice_text(pairs[i].name);
        keys[i] = (struct keyring_entry){name, buf_slice(&pairs[i].key.pkcs8)};
        certs[i] = (struct keyring_entry){name, buf_slice(&pairs[i].chain)};
    }
    buf_init(&into->keys, KEYRING_KEYS_SIZE);
    buf_init(&into->certs, KEYRING_CERTS_SIZE);
    (void)buf_reserve(&into->keys, KEYRING_KEYS_SIZE); /* so that no copy is left behind */
    into->pairs = count;
    bool ok = write_section(folder, KEYRING_KEYS, keys, count, &into->keys) &&
              write_section(folder, KEYRING_CERTS, certs, count, &into->certs);
    if (!ok)
        keyfolder_wipe(into);
    return ok;
}

static bool is_for(const struct keypair *pair, struct slice host)
{
    struct x509 leaf;
    return keypair_leaf(buf_slice(&pair->chain), &leaf) && x509_is_for(&leaf, host);
}

static void warn_of_root(const struct keypair *pairs, size_t count, struct slice content)
{
    char host[SITE_HOST_MAX + 1];
    if (!siteroot_host(content, host))
        return;
    for (size_t i = 0; i < count; i++)
        if (is_for(&pairs[i], slice_text(host)))
            return;
    tool_error("warning: no certificate is for %s, which the content names in .config/root", host);
}

static bool read_pairs(const char *folder, const struct names *names, struct slice content,
                       struct keyfolder *into)
{
    struct keypair pairs[KEYRING_ENTRIES_MAX];
    int64_t now = clock_wall() / (int64_t)CLOCK_SEC;
    size_t count = 0;
    if (names->count > KEYRING_ENTRIES_MAX) {
        tool_error("%s holds %zu pairs, more than an image has room for: at most %u", folder,
                   names->count, KEYRING_ENTRIES_MAX);
        return false;
    }
    while (count < names->count && keypair_read(folder, names->items[count], now, &pairs[count]))
        count++;
    bool ok = count == names->count && write_sections(folder, pairs, count, into);
    if (ok)
        warn_of_root(pairs, count, content);
    for (size_t i = 0; i < count; i++)
        keypair_release(&pairs[i]);
    return ok;
}

bool keyfolder_read(const char *folder, struct slice content, struct keyfolder *into)
{
    struct names names;
    *into = (struct keyfolder){.pairs = 0};
    if (!list_names(folder, &names))
        return false;
    bool ok = check_halves(folder, &names) && read_pairs(folder, &names, content, into);
    release_names(&names);
    return ok;
}

void keyfolder_wipe(struct keyfolder *f)
{
    secret_wipe(&f->keys);
    buf_deinit(&f->certs);
    f->pairs = 0;
}
