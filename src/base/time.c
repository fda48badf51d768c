/* SPDX-License-Identifier: MIT */
/* RFC 3339 times, as JSON carries them. Leap seconds are taken as the second after. */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

#define NS_PER_S    1000000000LL
#define SECONDS_MAX (INT64_MAX / NS_PER_S)

/* Takes ${digits} decimal digits off *str, which must be within low..high. */
static bool take_number(const char **str, int digits, int low, int high, int *ret_value)
{
    int value = 0;

    for (; digits > 0; digits--, (*str)++) {
        if (**str < '0' || **str > '9')
            return false;
        value = 10 * value + (**str - '0');
    }
    *ret_value = value;
    return value >= low && value <= high;
}

static bool take_char(const char **str, const char *allowed)
{
    for (; *allowed; allowed++) {
        if (**str == *allowed) {
            (*str)++;
            return true;
        }
    }
    return false;
}

/* What is finer than a nanosecond is dropped. */
static bool take_fraction(const char **str, int64_t *ret_ns)
{
    int64_t unit = NS_PER_S / 10;

    *ret_ns = 0;
    if (!take_char(str, "."))
        return true;
    if (**str < '0' || **str > '9')
        return false;
    for (; **str >= '0' && **str <= '9'; (*str)++, unit /= 10)
        *ret_ns += (**str - '0') * unit;
    return true;
}

static bool take_offset(const char **str, int64_t *ret_seconds)
{
    bool is_west = **str == '-';
    int hours, minutes;

    *ret_seconds = 0;
    if (take_char(str, "Zz"))
        return true;
    if (!take_char(str, "+-") || !take_number(str, 2, 0, 23, &hours) || !take_char(str, ":") ||
        !take_number(str, 2, 0, 59, &minutes))
        return false;
    *ret_seconds = (is_west ? -60LL : 60LL) * (60 * hours + minutes);
    return true;
}

static bool take_date_and_time(const char **str, struct tm *ret_tm)
{
    struct tm tm = { 0 }, normal;
    int year, month;

    if (!take_number(str, 4, 0, 9999, &year) || !take_char(str, "-") ||
        !take_number(str, 2, 1, 12, &month) || !take_char(str, "-") ||
        !take_number(str, 2, 1, 31, &tm.tm_mday) || !take_char(str, "Tt ") ||
        !take_number(str, 2, 0, 23, &tm.tm_hour) || !take_char(str, ":") ||
        !take_number(str, 2, 0, 59, &tm.tm_min) || !take_char(str, ":") ||
        !take_number(str, 2, 0, 60, &tm.tm_sec))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    /* timegm carries over: a day that the month doesn't have would end up in the next one. */
    normal = (struct tm){ .tm_year = tm.tm_year, .tm_mon = tm.tm_mon, .tm_mday = tm.tm_mday };
    (void)timegm(&normal);
    *ret_tm = tm;
    return normal.tm_mon == tm.tm_mon;
}

int time_parse_rfc3339(const char *str, int64_t *ret_ns)
{
    struct tm tm;
    int64_t seconds, fraction_ns, offset_s;

    if (!take_date_and_time(&str, &tm) || !take_fraction(&str, &fraction_ns) ||
        !take_offset(&str, &offset_s) || *str != '\0')
        return -EINVAL;
    seconds = (int64_t)timegm(&tm) - offset_s;
    if (seconds < -SECONDS_MAX)
        *ret_ns = 0;
    else if (seconds >= SECONDS_MAX)
        *ret_ns = SECONDS_MAX * NS_PER_S;
    else
        *ret_ns = seconds * NS_PER_S + fraction_ns;
    return 0;
}

void time_format_rfc3339(int64_t ns, char out[TIME_RFC3339_SIZE])
{
    int64_t rest_ns = ns % NS_PER_S;
    int64_t fraction_ns = rest_ns < 0 ? rest_ns + NS_PER_S : rest_ns;
    time_t seconds = (time_t)(ns / NS_PER_S - (rest_ns < 0 ? 1 : 0));
    struct tm tm;
    char fraction[16] = "";
    size_t length;

    (void)gmtime_r(&seconds, &tm);
    if (fraction_ns >= 100)
        (void)snprintf(fraction, sizeof fraction, ".%07lld", (long long)(fraction_ns / 100));
    for (length = strlen(fraction); length > 0 && fraction[length - 1] == '0'; length--)
        fraction[length - 1] = '\0';
    (void)snprintf(out, TIME_RFC3339_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", tm.tm_year + 1900,
                   tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
}
