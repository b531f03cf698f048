/*
 * Certificates: which chain is served for which name, out of two places.
 *
 * The image has chains, and `ringlet keys` renews them there; the repository may bring renewed ones as
 * .config/tls/NAME.pem, for keys that the image has. Where both have one of a name, that which is
 * valid now and for longer is served; so it does not matter which of them was renewed last.
 */
#ifndef APPS_CANOPY_CERTIFICATES_H
#define APPS_CANOPY_CERTIFICATES_H

#include "lib/site/root.h"
#include "runtime/buf.h"
#include "signatures/signer.h"

#define CERTIFICATES_FILE_MAX    (512u << 10) /* of PEM */
#define CERTIFICATES_PROBLEM_MAX 256

struct certificates {
    const struct signer *signer;
    struct buf image;      /* a section (runtime/keyring.h) of the image's chains */
    struct buf repository; /* the same of the repository's */
    struct buf served;     /* and of what is served of both */
    char problem[CERTIFICATES_PROBLEM_MAX]; /* of the repository's, for people; empty if none */
    char root[SITE_HOST_MAX + 1];           /* where the repository says to be served; or empty */
};

void certificates_init(struct certificates *c, const struct signer *signer);
void certificates_deinit(struct certificates *c);

/* The image's chains from now on; copied. Where it fails there are none. */
enum err certificates_from_image(struct certificates *c, struct slice section);

/* The repository's from now on: those at .config/tls in this commit, and the host of its .config/root.
 * What cannot be served is left out, and logged. ERR_MEMORY: for want of it something may be missing. */
enum err certificates_from_repository(struct certificates *c, struct store *store,
                                      const struct oid *commit);

/* Whether one of those that are served is for the host that the repository names in .config/root;
 * true where it names none. */
bool certificates_fit_root(const struct certificates *c);

/* Chooses anew: c->served. now: seconds since 1970. */
enum err certificates_choose(struct certificates *c, int64_t now);

#endif
