/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "content/hash.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/encode.h"
#include "base/xalloc.h"
#include "unit.h"

#define VECTORS "/tests/data/quickxorhash-vectors.tsv"

struct bytes {
    uint8_t *data;
    size_t length;
};

static struct bytes bytes_new(size_t length)
{
    return (struct bytes){ x_calloc(1, length + 1), length };
}

/* Forms of input, as the head of the file describes them. */

static struct bytes make_base64(const char *text)
{
    struct bytes bytes = bytes_new(strlen(text));

    assert_int_equal(base64_decode(text, bytes.data, bytes.length + 1, &bytes.length), 0);
    return bytes;
}

static struct bytes make_repeated(const char *text)
{
    char *end;
    struct bytes bytes = bytes_new(strtoul(text, &end, 10));

    memset(bytes.data, (int)strtoul(end + 1, NULL, 16), bytes.length);
    return bytes;
}

static struct bytes make_ramp(const char *text)
{
    struct bytes bytes = bytes_new(strtoul(text, NULL, 10));

    for (size_t i = 0; i < bytes.length; i++)
        bytes.data[i] = (uint8_t)i;
    return bytes;
}

static struct bytes make_text(const char *text)
{
    struct bytes bytes = bytes_new(strlen(text));
    char *escape;

    memcpy(bytes.data, text, bytes.length);
    escape = strstr((char *)bytes.data, "\\n");
    if (escape) {
        escape[0] = '\n';
        memmove(escape + 1, escape + 2, strlen(escape + 2) + 1);
        bytes.length--;
    }
    return bytes;
}

static struct bytes make_counted(const char *text)
{
    struct bytes bytes = bytes_new(strtoul(text, NULL, 10) + 32);
    size_t wanted = bytes.length - 32;
    uint8_t input[15] = "graphfs";
    unsigned length;

    for (uint64_t i = 0; i * 32 < wanted; i++) {
        for (unsigned j = 0; j < 8; j++)
            input[7 + j] = (uint8_t)(i >> (56 - 8 * j));
        (void)EVP_Digest(input, sizeof input, bytes.data + i * 32, &length, EVP_sha256(), NULL);
    }
    bytes.length = wanted;
    return bytes;
}

static struct bytes make_input(const char *text)
{
    static const struct {
        const char *prefix;
        struct bytes (*make)(const char *text);
    } forms[] = {
        { "b64:", make_base64 }, { "rep:", make_repeated },      { "ramp:", make_ramp },
        { "utf8:", make_text },  { "sha256ctr:", make_counted },
    };

    for (size_t i = 0; i < ROWS(forms); i++)
        if (strncmp(text, forms[i].prefix, strlen(forms[i].prefix)) == 0)
            return forms[i].make(text + strlen(forms[i].prefix));
    fail_msg("unknown form of input: %s", text);
    return bytes_new(0);
}

static void assert_hash(enum hash_kind kind, struct bytes bytes, size_t piece, const char *wanted)
{
    uint8_t digest[HASH_DIGEST_MAX], wanted_digest[HASH_DIGEST_MAX];
    struct hash *hash = hash_new(kind);
    size_t length;

    for (size_t at = 0; at < bytes.length; at += piece)
        hash_update(hash, bytes.data + at, bytes.length - at < piece ? bytes.length - at : piece);
    length = hash_final(hash, digest);
    hash_free(hash);
    assert_int_equal(hash_parse(kind, wanted, wanted_digest), length);
    assert_memory_equal(digest, wanted_digest, length);
}

static void test_quickxorhash_gives_the_published_values_in_any_pieces(void **state)
{
    static const size_t pieces[] = { SIZE_MAX / 2, 1, 7, 159, 160, 161, 65536 };
    const char *source = getenv("srcdir");
    cleanup_free char *path = x_asprintf("%s" VECTORS, source ? source : ".");
    cleanup_file FILE *file = fopen(path, "r");
    char line[8192];
    unsigned vectors = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        char *hash = strchr(line, '\t');
        struct bytes bytes;

        if (line[0] == '#' || !hash)
            continue;
        *hash++ = '\0';
        hash[strcspn(hash, "\t\n")] = '\0';
        bytes = make_input(line);
        for (size_t i = 0; i < ROWS(pieces); i++)
            if (bytes.length < 1000000 || pieces[i] > 1000)
                assert_hash(HASH_QUICKXOR, bytes, pieces[i], hash);
        free(bytes.data);
        vectors++;
    }
    assert_true(vectors > 100);
}

static void test_sha_hashes_are_those_of_the_standard(void **state)
{
    char text[] = "abc";
    struct bytes bytes = { (uint8_t *)text, 3 };

    (void)state;
    assert_hash(HASH_SHA1, bytes, 2, "A9993E364706816ABA3E25717850C26C9CD0D89D");
    assert_hash(HASH_SHA256, bytes, 1,
                "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
}

static void test_a_hash_is_read_in_either_spelling_and_nothing_else_is(void **state)
{
    static const struct {
        enum hash_kind kind;
        const char *text;
        size_t length;
    } rows[] = {
        { HASH_QUICKXOR, "YRDDGAAAAAAAAAAAAwAAAAAAAAA=", 20 },
        { HASH_QUICKXOR, "6110c31800000000000000000300000000000000", 20 },
        { HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d", 20 },
        { HASH_SHA1, "A9993E364706816ABA3E25717850C26C9CD0D8", 0 },
        { HASH_SHA256, "YRDDGAAAAAAAAAAAAwAAAAAAAAA=", 0 },
        { HASH_QUICKXOR, "", 0 },
        { HASH_QUICKXOR, "not a hash", 0 },
        { HASH_QUICKXOR, NULL, 0 },
        { HASH_NONE, "YRDDGAAAAAAAAAAAAwAAAAAAAAA=", 0 },
    };

    uint8_t digest[HASH_DIGEST_MAX];

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++)
        assert_int_equal(hash_parse(rows[i].kind, rows[i].text, digest), rows[i].length);
    assert_null(hash_new(HASH_NONE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quickxorhash_gives_the_published_values_in_any_pieces),
        cmocka_unit_test(test_sha_hashes_are_those_of_the_standard),
        cmocka_unit_test(test_a_hash_is_read_in_either_spelling_and_nothing_else_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
