/* What the writer and the reader of a print agree on. */
#ifndef LIB_SITE_PRINT_PARTS_H
#define LIB_SITE_PRINT_PARTS_H

#define PRINT_MAGIC "ringlet site 1\n"

enum print_body {
    PRINT_OWN,   /* their number, digest, and the form that is held */
    PRINT_ASSET, /* the number of a built-in asset */
    PRINT_SAME,  /* the number of the page whose bytes these are */
};

enum print_flags {
    PRINT_UTF8 = 1,
    PRINT_RANGES = 2,
    PRINT_DATED = 4, /* it tells when it changed */
};

#endif
