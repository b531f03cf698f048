/*
 * All that AWS-LC may know of a C library in its freestanding flavour: the recipe makes <stdio.h>,
 * <string.h> and the others of this one file. A function that is declared here and used is one that
 * a ring-0 target has to define; most are declared for code that is never linked.
 */
#ifndef AWS_LC_LIBC_H
#define AWS_LC_LIBC_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define restrict __restrict__
#endif

/* <features.h>, for the C++ headers */
#define __GLIBC_PREREQ(major, minor) 0

/* <limits.h> */
#define CHAR_BIT   8
#define UCHAR_MAX  255
#define SHRT_MAX   __SHRT_MAX__
#define USHRT_MAX  (__SHRT_MAX__ * 2 + 1)
#define INT_MAX    __INT_MAX__
#define INT_MIN    (-INT_MAX - 1)
#define UINT_MAX   (INT_MAX * 2U + 1U)
#define LONG_MAX   __LONG_MAX__
#define LONG_MIN   (-LONG_MAX - 1L)
#define ULONG_MAX  (LONG_MAX * 2UL + 1UL)
#define LLONG_MAX  __LONG_LONG_MAX__
#define LLONG_MIN  (-LLONG_MAX - 1LL)
#define ULLONG_MAX (LLONG_MAX * 2ULL + 1ULL)

/* <assert.h>: release builds check nothing. */
#define assert(condition) ((void)0)
#ifndef __cplusplus
#define static_assert _Static_assert
#endif

/* <errno.h> */
extern int errno;
#define ENOENT 2
#define EINTR  4
#define ENOMEM 12
#define EINVAL 22

/* <inttypes.h> */
#define PRIu32 "u"
#define PRIx32 "x"
#define PRIX32 "X"
#define PRIu64 "lu"
#define PRIx64 "lx"
#define PRId64 "ld"

/* <ctype.h> */
int isdigit(int c);
int isspace(int c);
int isupper(int c);
int tolower(int c);

/* <string.h>, <strings.h> */
void *memcpy(void *restrict into, const void *restrict from, size_t n);
void *memmove(void *into, const void *from, size_t n);
void *memset(void *into, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int byte, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *what);
char *strerror(int number);

/* <stdlib.h> */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *ptr, size_t size);
void free(void *ptr);
void abort(void) __attribute__((noreturn));
void exit(int status) __attribute__((noreturn));
void qsort(void *items, size_t count, size_t size, int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *items, size_t count, size_t size,
              int (*compare)(const void *, const void *));
char *getenv(const char *name);
int atoi(const char *text);
long strtol(const char *text, char **end, int base);
unsigned long strtoul(const char *text, char **end, int base);

/* <stdio.h> */
typedef struct libc_file FILE;
extern FILE *stderr, *stdin, *stdout;
#define BUFSIZ   1024
#define EOF      (-1)
#define SEEK_SET 0
#define SEEK_END 2
int printf(const char *format, ...);
int fprintf(FILE *f, const char *format, ...);
int snprintf(char *into, size_t size, const char *format, ...);
int vsnprintf(char *into, size_t size, const char *format, va_list args);
int sscanf(const char *text, const char *format, ...);
int fputs(const char *text, FILE *f);
int fflush(FILE *f);
FILE *fopen(const char *path, const char *mode);
int fclose(FILE *f);
size_t fread(void *into, size_t size, size_t count, FILE *f);
size_t fwrite(const void *from, size_t size, size_t count, FILE *f);
char *fgets(char *into, int size, FILE *f);
int fseek(FILE *f, long to, int whence);
long ftell(FILE *f);
int feof(FILE *f);
int ferror(FILE *f);

/* <time.h>, <sys/time.h> */
typedef int64_t time_t;
typedef int64_t suseconds_t;
struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};
struct timeval {
    time_t tv_sec;
    suseconds_t tv_usec;
};
time_t time(time_t *into);
int gettimeofday(struct timeval *into, void *zone);

/* <sys/types.h> */
typedef intptr_t ssize_t;
typedef int64_t off_t;

#ifdef __cplusplus
}
#endif

#endif
