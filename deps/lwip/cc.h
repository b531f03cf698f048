/* What lwIP asks of its compiler and its host: little, of gcc and clang on x86-64. */
#ifndef ARCH_CC_H
#define ARCH_CC_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Defined by whoever links it. */
uint32_t lwip_random(void);

#define LWIP_RAND() lwip_random()
#define LWIP_PLATFORM_DIAG(text) \
    do {                         \
        printf text;             \
    } while (0)
#define LWIP_PLATFORM_ASSERT(text)  \
    do {                            \
        printf("lwip: %s\n", text); \
        abort();                    \
    } while (0)
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)

#endif
