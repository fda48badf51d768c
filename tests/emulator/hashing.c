/* SPDX-License-Identifier: MIT */
/* The hashes of a content in one pass, as it arrives or as it is read. */
#include "hashing.h"

#include <openssl/evp.h>

void hashing_begin(struct hashing *hashing, bool has_all)
{
    *hashing = (struct hashing){ 0 };
    if (!has_all)
        return;
    hashing->sha1 = EVP_MD_CTX_new();
    hashing->sha256 = EVP_MD_CTX_new();
    EVP_DigestInit_ex(hashing->sha1, EVP_sha1(), NULL);
    EVP_DigestInit_ex(hashing->sha256, EVP_sha256(), NULL);
}

void hashing_update(struct hashing *hashing, const void *bytes, size_t size)
{
    quickxor_update(&hashing->quickxor, bytes, size);
    if (!hashing->sha1)
        return;
    EVP_DigestUpdate(hashing->sha1, bytes, size);
    EVP_DigestUpdate(hashing->sha256, bytes, size);
}

void hashing_final(struct hashing *hashing, uint8_t ret_quickxor[QUICKXOR_SIZE],
                   struct digests *ret_digests)
{
    quickxor_final(&hashing->quickxor, ret_quickxor);
    if (hashing->sha1) {
        EVP_DigestFinal_ex(hashing->sha1, ret_digests->sha1, NULL);
        EVP_DigestFinal_ex(hashing->sha256, ret_digests->sha256, NULL);
    }
    hashing_clear(hashing);
}

void hashing_clear(struct hashing *hashing)
{
    EVP_MD_CTX_free(hashing->sha1);
    EVP_MD_CTX_free(hashing->sha256);
    hashing->sha1 = hashing->sha256 = NULL;
}
