/* Private to the client core: a complete head, read. */
#ifndef LIB_HTTP_CLIENT_HEAD_H
#define LIB_HTTP_CLIENT_HEAD_H

#include "lib/http/client.h"

/* head: from the status line to the empty line. It is changed where a field was folded over lines
 * (RFC 9112, 5.2); the response's slices point into it. */
enum err http_client_parse_head(struct buf *head, struct http_response *into);

#endif
