/*
 * Included before md4c's own lines: every allocation asks the caller of
 * md_parse, by the userdata that it gave, and nothing is given back before the
 * document is done. (After a failed allocation the original gives some pieces
 * back twice, and goes on here and there: whoever answers NULL has to remember.)
 */
#include <stdlib.h>

void *markdown_alloc(void *userdata, size_t size);
void *markdown_resize(void *userdata, void *ptr, size_t size);

#define malloc(size)       markdown_alloc(ctx->userdata, (size))
#define realloc(ptr, size) markdown_resize(ctx->userdata, (ptr), (size))
#define free(ptr)          ((void)(ptr))
