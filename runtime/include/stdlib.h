/*
 * For headers of third-party libraries that include it: the declarations they mention. Our own code
 * takes memory from signatures/memory.h and never includes this.
 */
#ifndef RUNTIME_INCLUDE_STDLIB_H
#define RUNTIME_INCLUDE_STDLIB_H

#include <stddef.h>

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *ptr, size_t size);
void free(void *ptr);
void abort(void) __attribute__((noreturn));
void qsort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *items, size_t count, size_t size,
              int (*compare)(const void *, const void *));
char *getenv(const char *name);
long strtol(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);

#endif
