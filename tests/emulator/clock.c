/* SPDX-License-Identifier: MIT */
/* One time base for everything that expires or lags, so that a test can move it by a request. */
#include "clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t clock_now_ms(const struct clock *clock)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + clock->offset_ms;
}

static void split(int64_t time_ms, struct tm *ret_parts, int *ret_ms)
{
    int64_t seconds = time_ms / 1000 - (time_ms % 1000 < 0);
    time_t unix_time = (time_t)seconds;

    *ret_ms = (int)(time_ms - seconds * 1000);
    gmtime_r(&unix_time, ret_parts);
}

/* Writes `number` as so many digits. */
static char *put_digits(char *out, int number, int digits)
{
    for (int i = digits; i-- > 0; number /= 10)
        out[i] = (char)('0' + number % 10);
    return out + digits;
}

/* By hand: an answer has hundreds of times, and strftime() would be a third of its cost. */
void time_format(int64_t time_ms, bool has_fraction, char ret_text[TIME_TEXT_SIZE])
{
    struct tm parts;
    int ms;
    char *end = ret_text;

    split(time_ms, &parts, &ms);
    end = put_digits(end, parts.tm_year + 1900, 4);
    *end++ = '-';
    end = put_digits(end, parts.tm_mon + 1, 2);
    *end++ = '-';
    end = put_digits(end, parts.tm_mday, 2);
    *end++ = 'T';
    end = put_digits(end, parts.tm_hour, 2);
    *end++ = ':';
    end = put_digits(end, parts.tm_min, 2);
    *end++ = ':';
    end = put_digits(end, parts.tm_sec, 2);
    if (has_fraction && ms) {
        *end++ = '.';
        end = put_digits(end, ms, 3);
        while (end[-1] == '0')
            end--;
    }
    memcpy(end, "Z", 2);
}

void time_format_http(int64_t time_ms, char ret_text[TIME_TEXT_SIZE])
{
    struct tm parts;
    int ms;

    split(time_ms, &parts, &ms);
    (void)strftime(ret_text, TIME_TEXT_SIZE, "%a, %d %b %Y %H:%M:%S GMT", &parts);
}

int time_parse(const char *text, int64_t *ret_ms)
{
    struct tm parts = { 0 };
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    int64_t ms = 0;

    if (!rest)
        return -1;
    if (*rest == '.') {
        int64_t unit = 100;

        for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
            ms += unit * (*rest - '0');
    }
    if (strcmp(rest, "Z") != 0 && *rest)
        return -1;
    *ret_ms = (int64_t)timegm(&parts) * 1000 + ms;
    return 0;
}
