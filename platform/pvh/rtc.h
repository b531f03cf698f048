/* The battery-backed clock (MC146818, and what PCs made of it): its registers, and what they say. */
#ifndef PLATFORM_PVH_RTC_H
#define PLATFORM_PVH_RTC_H

#include <stdbool.h>
#include <stdint.h>

struct rtc_registers {
    uint8_t second, minute, hour, day, month, year; /* of the century of 2000 */
    uint8_t mode;                                   /* register B */
};

/* Seconds since 1970. False: no clock says that. Pure. */
bool rtc_seconds(const struct rtc_registers *r, int64_t *seconds);

/* What it says now. False: there is none. */
bool rtc_read(int64_t *seconds);

#endif
