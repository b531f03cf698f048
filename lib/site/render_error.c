/* Error pages: in the site's layout, and bare ones for when there is no site. */
#include "lib/site/internal.h"

#define BARE(title, advice)                                                                   \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"                 \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"              \
    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" title "</title>\n<style>"  \
    "body{font:1.125rem/1.6 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 " \
    "1.5rem}h1{font-size:2rem;line-height:1.2}</style>\n</head>\n<body>\n<main>\n<h1>" title  \
    "</h1>\n<p>" advice "</p>\n</main>\n</body>\n</html>\n"

static const struct row {
    uint16_t status;
    const char *title;
    const char *advice;
    struct slice bare;
} rows[] = {
#define ROW(status, title, advice)                             \
    {                                                          \
        status, title, advice, SLICE_INIT(BARE(title, advice)) \
    }
    ROW(400, "Bad request", "This address or request is not one that a server can understand."),
    ROW(403, "Forbidden", "This is not for everybody."),
    ROW(404, "Not found", "There is no page at this address. It may have moved, or never been."),
    ROW(405, "Method not allowed", "This page can only be read."),
    ROW(408, "Request timeout", "The request took too long to arrive."),
    ROW(412, "Precondition failed", "The page is not the one that the request was made for."),
    ROW(413, "Content too large", "The request holds more than is accepted here."),
    ROW(414, "URI too long", "The address is longer than is accepted here."),
    ROW(416, "Range not satisfiable", "The file does not have the part that was asked for."),
    ROW(429, "Too many requests", "Please wait a little, then try again."),
    ROW(431, "Request header fields too large", "The request's head is longer than is accepted."),
    ROW(500, "Internal server error", "Something went wrong here. Please try again later."),
    ROW(501, "Not implemented", "The request asks for something that this server does not do."),
    ROW(502, "Bad gateway", "The repository behind this site gave no usable answer."),
    ROW(503, "Not yet there", "The site is being loaded. Please try again in a moment."),
    ROW(505, "HTTP version not supported", "This server speaks HTTP/1.0 and HTTP/1.1."),
#undef ROW
};

const size_t ERROR_PAGES = sizeof rows / sizeof rows[0];
_Static_assert(sizeof rows / sizeof rows[0] <= SITE_ERRORS, "struct site has room for all pages");

/* The row of a status, or of the class that it belongs to (RFC 9110, 15). */
static const struct row *row_of(uint16_t status)
{
    uint16_t class = status >= 500 ? 500 : 400;
    const struct row *general = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].status == status)
            return &rows[i];
        if (rows[i].status == class)
            general = &rows[i];
    }
    return general;
}

size_t error_page_of(uint16_t status)
{
    return (size_t)(row_of(status) - rows);
}

uint16_t render_error(struct buf *b, const struct layout *l, size_t page)
{
    const struct row *row = &rows[page];
    struct head h = {.title = slice_text(row->title)};
    layout_begin(b, l, &h);
    buf_printf(b,
               "<div class=\"post error\">\n<p class=\"status\">%u</p>\n<h1>%s</h1>\n<p>%s</p>\n"
               "<p><a href=\"/\">To the front page</a></p>\n</div>\n",
               row->status, row->title, row->advice);
    layout_end(b, l);
    return row->status;
}

struct slice site_bare_page(uint16_t status)
{
    return row_of(status)->bare;
}
