/* SPDX-License-Identifier: MIT */
/*
 * URLs are taken apart by libcurl's own parser, so that what is checked here and what the transfer
 * connects to can't differ.
 */
#include "config.h"

#include "graph/url.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/xalloc.h"

static void cleanup_curl_url_fn(CURLU **handle)
{
    curl_url_cleanup(*handle);
}

#define cleanup_curl_url __attribute__((cleanup(cleanup_curl_url_fn)))

/* Copies a part in lower case. Returns false if it is absent or does not fit. */
static bool copy_part(CURLU *handle, CURLUPart part, char *out, size_t size)
{
    char *text = NULL;
    if (curl_url_get(handle, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return false;
    size_t length = strlen(text);
    if (length < size) {
        for (size_t i = 0; i <= length; i++)
            out[i] = (char)tolower((unsigned char)text[i]);
    }
    curl_free(text);
    return length < size;
}

int url_parse_origin(const char *url, struct url_origin *ret_origin, struct err *err)
{
    struct url_origin origin;
    char port[8];
    cleanup_curl_url CURLU *handle = curl_url();
    if (!handle)
        return err_set(err, -ENOMEM, "no memory for a URL");
    if (curl_url_set(handle, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
        !copy_part(handle, CURLUPART_SCHEME, origin.scheme, sizeof(origin.scheme)) ||
        !copy_part(handle, CURLUPART_HOST, origin.host, sizeof(origin.host)) ||
        !copy_part(handle, CURLUPART_PORT, port, sizeof(port)))
        return err_set(err, -EINVAL, "not an absolute URL");
    if (strcmp(origin.scheme, "https") != 0 && strcmp(origin.scheme, "http") != 0)
        return err_set(err, -EINVAL, "%s is not a scheme of the web", origin.scheme);
    origin.port = (unsigned)strtoul(port, NULL, 10);
    *ret_origin = origin;
    return 0;
}

bool url_same_origin(const struct url_origin *one, const struct url_origin *other)
{
    return one->port == other->port && strcmp(one->scheme, other->scheme) == 0 &&
           strcmp(one->host, other->host) == 0;
}

bool url_is_loopback(const struct url_origin *origin)
{
    struct in_addr address;
    if (inet_pton(AF_INET, origin->host, &address) == 1)
        return (ntohl(address.s_addr) >> 24) == 127;
    return strcmp(origin->host, "localhost") == 0 || strcmp(origin->host, "[::1]") == 0;
}

int url_check_service(const char *key, const char *url, struct err *err)
{
    struct url_origin origin;
    if (url_parse_origin(url, &origin, err) < 0)
        return err_wrap(err, "%s = %s", key, url);
    if (strcmp(origin.scheme, "http") == 0 && !url_is_loopback(&origin))
        return err_set(err, -EINVAL,
                       "%s = %s: plain http is accepted only to a loopback address (use https)",
                       key, url);
    if (strpbrk(url, "?#"))
        return err_set(err, -EINVAL, "%s = %s: a query or fragment has no place here", key, url);
    return 0;
}

int url_check_content(const char *url, struct err *err)
{
    struct url_origin origin;
    if (url_parse_origin(url, &origin, NULL) < 0)
        return err_set(err, -EPROTO, "the content's address is not a URL");
    if (strcmp(origin.scheme, "https") != 0 && !url_is_loopback(&origin))
        return err_set(err, -EPROTO, "the content's address is not https");
    return 0;
}

char *url_resolve(const char *base, const char *location)
{
    char *text = NULL;
    cleanup_curl_url CURLU *handle = curl_url();
    if (!handle || curl_url_set(handle, CURLUPART_URL, base, 0) != CURLUE_OK ||
        curl_url_set(handle, CURLUPART_URL, location, 0) != CURLUE_OK ||
        curl_url_get(handle, CURLUPART_URL, &text, 0) != CURLUE_OK)
        return NULL;
    char *url = x_strdup(text);
    curl_free(text);
    return url;
}

char *url_base(const char *url)
{
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    return x_strndup(url, length);
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~", c) != NULL);
}

int url_add_encoded(struct strbuf *out, const char *text)
{
    int ret = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && ret == 0; p++) {
        if (is_unreserved(*p))
            ret = strbuf_addch(out, (char)*p);
        else
            ret = strbuf_addf(out, "%%%02X", *p);
    }
    return ret;
}

int url_add_lenient(struct strbuf *out, const char *text)
{
    int ret = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p != '\0' && ret == 0; p++) {
        bool is_good = *p > ' ' && *p < 0x7F && !strchr("\"#<>\\^`{|}", *p);
        ret = is_good ? strbuf_addch(out, (char)*p) : strbuf_addf(out, "%%%02X", *p);
    }
    return ret;
}

int url_add_form(struct strbuf *out, const char *name, const char *value)
{
    if (out->len > 0)
        (void)strbuf_addch(out, '&');
    (void)url_add_encoded(out, name);
    (void)strbuf_addch(out, '=');
    (void)url_add_encoded(out, value);
    return strbuf_error(out);
}
