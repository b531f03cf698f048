/*
 * The few functions of C's <string.h> that freestanding code may use. Declarations only: the process
 * target finds them in the C library, a ring-0 target brings its own.
 */
#ifndef RUNTIME_INCLUDE_STRING_H
#define RUNTIME_INCLUDE_STRING_H

#include <stddef.h>

void *memcpy(void *restrict into, const void *restrict from, size_t n);
void *memmove(void *into, const void *from, size_t n);
void *memset(void *into, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);

#endif
