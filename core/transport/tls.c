#include "transport/tls.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "bytes.h"
#include "transport/link_internal.h"

/* OpenSSL reads so much at once, four records: 128 KiB is no faster, 16 KiB costs a tenth more
 * processor time. */
enum { READ_AHEAD = 64 * 1024, CERTIFICATE_MAX = 16 * 1024 };

static const unsigned char alpn[] = "\6filo/1";

/* The chain, names and dates mean nothing here: only an Ed25519 leaf will do, and CertificateVerify
 * proves that the peer has its key. */
static int verify(X509_STORE_CTX *store, void *unused) {
  (void)unused;
  X509 *leaf = X509_STORE_CTX_get0_cert(store);
  EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;
  if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
    X509_STORE_CTX_set_error(store, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE);
  return 0;
}

static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *unused) {
  (void)ssl;
  (void)unused;
  unsigned char *chosen;
  if (SSL_select_next_proto(&chosen, out_len, alpn, sizeof alpn - 1, in, in_len) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

/* The same certificate at every start: the ID as its name, valid for ever. */
static X509 *make_certificate(const struct filo_identity *identity) {
  char id[2 * FILO_ID_SIZE + 1];
  filo_hex(id, filo_identity_id(identity), FILO_ID_SIZE);
  X509 *certificate = X509_new();
  X509_NAME *name = certificate ? X509_get_subject_name(certificate) : NULL;
  if (name && X509_set_version(certificate, X509_VERSION_3) &&
      ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) &&
      X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)id, -1, -1, 0) &&
      X509_set_issuer_name(certificate, name) &&
      ASN1_TIME_set_string(X509_getm_notBefore(certificate), "700101000000Z") &&
      ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z") &&
      X509_set_pubkey(certificate, filo_identity_key(identity)) &&
      X509_sign(certificate, filo_identity_key(identity), NULL))
    return certificate;
  X509_free(certificate);
  return NULL;
}

static bool configure(SSL_CTX *ctx, X509 *certificate, EVP_PKEY *key) {
  SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_clear_options(ctx, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD);
  SSL_CTX_set_max_cert_list(ctx, CERTIFICATE_MAX);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
  SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
  SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
  return SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) &&
         SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) &&
         SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                       "TLS_CHACHA20_POLY1305_SHA256") &&
         SSL_CTX_set1_sigalgs_list(ctx, "ed25519") && SSL_CTX_set_num_tickets(ctx, 0) &&
         SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1) == 0 &&
         SSL_CTX_use_certificate(ctx, certificate) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1;
}

int filo_tls_new(struct filo_identity *identity, struct filo_tls **ret, struct filo_error *err) {
  ERR_clear_error();
  struct filo_tls *tls = calloc(1, sizeof *tls);
  if (!tls) return filo_fail(err, FILO_NO_MEMORY, "no memory for TLS");
  tls->refs = 1;
  tls->ctx = SSL_CTX_new(TLS_method());
  tls->out = filo_link_tls_method();
  X509 *certificate = make_certificate(identity);
  bool ok = tls->ctx && tls->out && certificate &&
            configure(tls->ctx, certificate, filo_identity_key(identity));
  X509_free(certificate);
  if (!ok) {
    filo_tls_unref(tls);
    return filo_fail_openssl(err, FILO_UNSUPPORTED, "OpenSSL cannot be set up for TLS 1.3");
  }
  ERR_clear_error();
  *ret = tls;
  return 0;
}

struct filo_tls *filo_tls_ref(struct filo_tls *tls) {
  tls->refs++;
  return tls;
}

void filo_tls_unref(struct filo_tls *tls) {
  if (!tls || --tls->refs > 0) return;
  SSL_CTX_free(tls->ctx);
  BIO_meth_free(tls->out);
  free(tls->spare);
  free(tls);
}
