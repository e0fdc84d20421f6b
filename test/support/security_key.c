/*
 * A security key in software, for tests: OpenSSH loads it as SSH_SK_PROVIDER (PROTOCOL.u2f, sk-api.h).
 * Its key handles are the private keys themselves. It asks for nothing, and it claims what
 * SECURITY_KEY_FLAGS says, where that is set: the flags of a signature as two hex digits.
 *
 * Declared here is what it uses of libcrypto, so that no headers have to be installed.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define API_VERSION 0x000a0000
#define ECDSA 0x00
#define ED25519 0x01
#define USER_PRESENT 0x01
#define USER_VERIFIED 0x04
#define ERR_GENERAL -1
#define ERR_PIN_REQUIRED -3
#define EVP_PKEY_ED25519 1087
#define NID_P256 415
#define UNCOMPRESSED 4

struct sk_option;
struct sk_resident_key;

struct sk_enroll_response {
  uint8_t flags;
  uint8_t *public_key;
  size_t public_key_len;
  uint8_t *key_handle;
  size_t key_handle_len;
  uint8_t *signature;
  size_t signature_len;
  uint8_t *attestation_cert;
  size_t attestation_cert_len;
  uint8_t *authdata;
  size_t authdata_len;
};

struct sk_sign_response {
  uint8_t flags;
  uint32_t counter;
  uint8_t *sig_r;
  size_t sig_r_len;
  uint8_t *sig_s;
  size_t sig_s_len;
};

extern int RAND_bytes(unsigned char *, int);
extern unsigned char *SHA256(const unsigned char *, size_t, unsigned char *);
extern void *EVP_PKEY_new_raw_private_key(int, void *, const unsigned char *, size_t);
extern int EVP_PKEY_get_raw_public_key(const void *, unsigned char *, size_t *);
extern void *EVP_MD_CTX_new(void);
extern int EVP_DigestSignInit(void *, void *, const void *, void *, void *);
extern int EVP_DigestSign(void *, unsigned char *, size_t *, const unsigned char *, size_t);
extern void *EC_KEY_new_by_curve_name(int);
extern int EC_KEY_generate_key(void *);
extern const void *EC_KEY_get0_private_key(const void *);
extern int EC_KEY_set_private_key(void *, const void *);
extern const void *EC_KEY_get0_group(const void *);
extern const void *EC_KEY_get0_public_key(const void *);
extern size_t EC_POINT_point2oct(const void *, const void *, int, unsigned char *, size_t, void *);
extern void *ECDSA_do_sign(const unsigned char *, int, void *);
extern const void *ECDSA_SIG_get0_r(const void *);
extern const void *ECDSA_SIG_get0_s(const void *);
extern void *BN_bin2bn(const unsigned char *, int, void *);
extern int BN_bn2binpad(const void *, unsigned char *, int);

static uint8_t *copy_of(const uint8_t *bytes, size_t length) {
  return memcpy(calloc(1, length), bytes, length);
}

uint32_t sk_api_version(void) { return API_VERSION; }

int sk_enroll(uint32_t alg, const uint8_t *challenge, size_t challenge_len,
              const char *application, uint8_t flags, const char *pin,
              struct sk_option **options, struct sk_enroll_response **response) {
  uint8_t public_key[65], private_key[32];
  size_t length = 32;
  if (alg == ED25519) {
    RAND_bytes(private_key, 32);
    void *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key, 32);
    EVP_PKEY_get_raw_public_key(key, public_key, &length);
  } else {
    void *key = EC_KEY_new_by_curve_name(NID_P256);
    EC_KEY_generate_key(key);
    BN_bn2binpad(EC_KEY_get0_private_key(key), private_key, 32);
    length = EC_POINT_point2oct(EC_KEY_get0_group(key), EC_KEY_get0_public_key(key), UNCOMPRESSED,
                                public_key, sizeof public_key, NULL);
  }
  struct sk_enroll_response *made = calloc(1, sizeof *made);
  made->flags = flags;
  made->public_key = copy_of(public_key, length);
  made->public_key_len = length;
  made->key_handle = copy_of(private_key, 32);
  made->key_handle_len = 32;
  made->signature = calloc(1, 1);
  made->attestation_cert = calloc(1, 1);
  made->authdata = calloc(1, 1);
  *response = made;
  return 0;
}

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application,
            const uint8_t *key_handle, size_t key_handle_len, uint8_t flags, const char *pin,
            struct sk_option **options, struct sk_sign_response **response) {
  if (key_handle_len != 32) return ERR_GENERAL;
  if ((flags & USER_VERIFIED) && pin == NULL) return ERR_PIN_REQUIRED;
  const char *claimed = getenv("SECURITY_KEY_FLAGS");
  uint8_t said[32 + 1 + 4 + 32];
  SHA256((const uint8_t *)application, strlen(application), said);
  said[32] = claimed ? (uint8_t)strtoul(claimed, NULL, 16) : (flags & (USER_PRESENT | USER_VERIFIED));
  memcpy(said + 33, "\0\0\0\7", 4);
  SHA256(data, data_len, said + 37);

  struct sk_sign_response *made = calloc(1, sizeof *made);
  made->flags = said[32];
  made->counter = 7;
  if (alg == ED25519) {
    size_t length = 64;
    void *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key_handle, 32);
    void *context = EVP_MD_CTX_new();
    made->sig_r = calloc(1, length);
    EVP_DigestSignInit(context, NULL, NULL, NULL, key);
    EVP_DigestSign(context, made->sig_r, &length, said, sizeof said);
    made->sig_r_len = length;
  } else {
    uint8_t digest[32];
    void *key = EC_KEY_new_by_curve_name(NID_P256);
    EC_KEY_set_private_key(key, BN_bin2bn(key_handle, 32, NULL));
    void *signature = ECDSA_do_sign(SHA256(said, sizeof said, digest), 32, key);
    made->sig_r = calloc(1, made->sig_r_len = 32);
    made->sig_s = calloc(1, made->sig_s_len = 32);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), made->sig_r, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), made->sig_s, 32);
  }
  *response = made;
  return 0;
}

int sk_load_resident_keys(const char *pin, struct sk_option **options,
                          struct sk_resident_key ***keys, size_t *count) {
  *count = 0;
  return 0;
}
