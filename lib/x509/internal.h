/* What the files of this room share. */
#ifndef LIB_X509_INTERNAL_H
#define LIB_X509_INTERNAL_H

#include "lib/x509/x509.h"

/* The library's own form, or NULL; given back with X509_free. */
struct x509_st *x509_parse(struct slice der);

/* Sets name_count and names_cut. */
void x509_count_names(struct x509 *x);

#endif
