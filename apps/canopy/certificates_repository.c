/* Chains out of the repository: .config/tls/NAME.pem. See certificates.h. */
#include "apps/canopy/certificates.h"

#include "lib/git/escape.h"
#include "lib/text/utf8.h"
#include "lib/x509/x509.h"
#include "runtime/format.h"
#include "runtime/keyring.h"
#include "runtime/log.h"
#include "signatures/memory.h"

#define FOLDER ".config/tls"

/* What was read so far. A chain's bytes may move while more are appended: they are known by where
 * they begin. */
struct gathering {
    struct certificates *c;
    struct keyring_entry entries[KEYRING_ENTRIES_MAX]; /* names: of the folder's own bytes */
    size_t begins[KEYRING_ENTRIES_MAX];
    size_t count;
    struct buf chains;
};

static void complain(struct gathering *g, struct slice name, const char *why)
{
    struct buf shown;
    buf_init(&shown, CERTIFICATES_PROBLEM_MAX);
    git_put_escaped(&shown, name);
    format_text(g->c->problem, sizeof g->c->problem, FOLDER "/%.*s %s",
                SLICE_ARG(buf_slice(&shown)), why);
    buf_deinit(&shown);
    log_warning("tls", "%s", g->c->problem);
}

static bool has_key(const struct signer *signer, struct slice spki)
{
    for (size_t i = 0; i < signer_count(signer); i++)
        if (slice_equal(signer_key(signer, i).spki, spki))
            return true;
    return false;
}

/* NULL, or why the chain is not to be served. */
static const char *check(const struct gathering *g, struct slice chain)
{
    struct x509 leaf;
    struct slice rest = chain, der;
    size_t count, index;
    switch (x509_chain_check(chain, &count, &index)) {
    case OK:
        break;
    case ERR_MISMATCH:
        return "is out of order: a chain begins with the server's own certificate, then come those "
               "of its issuers";
    case ERR_LIMIT:
        return "holds too many certificates";
    default:
        return "holds a certificate that cannot be read";
    }
    if (!keyring_der(&rest, &der) || x509_read(der, &leaf) != OK)
        return "holds a certificate that cannot be read";
    if (!has_key(g->c->signer, leaf.spki))
        return "is for a key that this image does not have";
    return NULL;
}

static const char *read_pem(struct gathering *g, struct slice text)
{
    size_t begin = g->chains.len, count;
    if (g->count == KEYRING_ENTRIES_MAX)
        return "is one too many";
    enum err e = pem_certificates(text, &g->chains, &count);
    const char *why = e == ERR_NOT_FOUND ? "holds no certificate in PEM form"
                      : e == ERR_ARGUMENT
                          ? "holds something else beside certificates: it is ignored"
                      : e == ERR_MALFORMED ? "is not well-formed PEM"
                      : e                  ? err_text(e)
                                           : NULL;
    if (!why)
        why = check(g, slice_drop(buf_slice(&g->chains), begin));
    if (why && g->chains.len > begin)
        g->chains.len = begin;
    return why;
}

static void add_file(struct gathering *g, struct store *store, const struct git_entry *file)
{
    struct store_object blob;
    const char *why = "cannot be read";
    size_t begin = g->chains.len;
    if (utf8_has_control(file->name)) { /* it would stand in lines of /status */
        why = "has a name with control characters";
    } else if (store_read_as(store, &file->oid, GIT_BLOB, &blob) == OK) {
        why = blob.content.len > CERTIFICATES_FILE_MAX ? "is too large for a chain"
                                                       : read_pem(g, blob.content);
        store_release(&blob);
    }
    g->chains.err = OK;
    if (why) {
        complain(g, file->name, why);
        return;
    }
    g->entries[g->count].name = slice_take(file->name, file->name.len - 4);
    g->begins[g->count++] = begin;
}

static bool is_file(const struct git_entry *file, struct slice ending)
{
    return file->mode != GIT_MODE_TREE && file->mode != GIT_MODE_LINK &&
           slice_ends(file->name, ending) && file->name.len > ending.len &&
           file->name.len - ending.len <= KEYRING_NAME_MAX;
}

static void write_section(struct gathering *g)
{
    for (size_t i = 0; i < g->count; i++) {
        size_t end = i + 1 < g->count ? g->begins[i + 1] : g->chains.len;
        g->entries[i].bytes = slice_of(g->chains.ptr + g->begins[i], end - g->begins[i]);
    }
    if (g->count == 0)
        return;
    enum err e = keyring_write(&g->c->repository, KEYRING_CERTS, g->entries, g->count);
    if (e != OK) {
        buf_clear(&g->c->repository);
        complain(g, SLICE("*.pem"), e == ERR_LIMIT ? "are too much: 64 KiB at most" : err_text(e));
    }
}

static void read_folder(struct certificates *c, struct store *store, const struct oid *commit)
{
    struct gathering g = {.c = c};
    struct git_entry folder, file;
    struct store_object tree;
    if (store_path(store, commit, SLICE(FOLDER), &folder) != OK || folder.mode != GIT_MODE_TREE ||
        store_read_as(store, &folder.oid, GIT_TREE, &tree) != OK)
        return;
    buf_init(&g.chains, KEYRING_CERTS_SIZE);
    struct reader r = reader_of(tree.content);
    while (git_tree_next(store_kind(store), &r, &file))
        if (is_file(&file, SLICE(".pem")))
            add_file(&g, store, &file);
        else if (is_file(&file, SLICE(".key")))
            complain(&g, file.name,
                     "is ignored: a key has no place in a repository, and is none "
                     "any more if it was secret");
    write_section(&g);
    buf_deinit(&g.chains);
    store_release(&tree);
}

/* Who reads certificates does not always tell one that is malformed from one that there was no memory
 * to read: what memory refused meanwhile is asked for instead. */
enum err certificates_from_repository(struct certificates *c, struct store *store,
                                      const struct oid *commit)
{
    uint64_t refused = memory_stats().refused;
    buf_clear(&c->repository);
    c->problem[0] = 0;
    (void)site_root_host(store, commit, c->root);
    read_folder(c, store, commit);
    if (memory_stats().refused == refused)
        return OK;
    format_text(c->problem, sizeof c->problem,
                FOLDER " cannot be read for want of memory: the certificates of before stay");
    log_warning("tls", "%s", c->problem);
    return ERR_MEMORY;
}
