/* Reply: the forms of an answer that is not a page of the site. */
#ifndef APPS_CANOPY_REPLY_H
#define APPS_CANOPY_REPLY_H

#include "lib/http/service.h"
#include "runtime/buf.h"

/* Field lines of text and of HTML that is made for one request. */
extern const struct slice REPLY_TEXT_FIELDS;
extern const struct slice REPLY_HTML_FIELDS;

/* Answers with a text that lives as long as the program. */
void reply_text(struct http_exchange *x, uint16_t status, const char *text);

/* Answers with the text gathered in a buffer, which is taken over and empty afterwards. */
void reply_buf(struct http_exchange *x, uint16_t status, struct buf *text);

#endif
