#include "transport/tls_server.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "transport/link_internal.h"

enum { READ_AHEAD = 64 * 1024 };

static int no_pass_phrase(char *out, int size, int writing, void *unused) {
  (void)out, (void)size, (void)writing, (void)unused;
  return -1;
}

/* Clients that offer other protocols only are served all the same, as those that offer none. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *in, unsigned in_len, void *unused) {
  static const unsigned char alpn[] = "\10http/1.1";
  unsigned char *chosen;
  (void)ssl, (void)unused;
  if (SSL_select_next_proto(&chosen, out_len, alpn, sizeof alpn - 1, in, in_len) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

static bool configure(SSL_CTX *ctx) {
  static const unsigned char name[] = "filo";
  SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                            SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets do without */
  SSL_CTX_set_read_ahead(ctx, 1);
  SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD);
  SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
  SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
  return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) &&
         SSL_CTX_set_session_id_context(ctx, name, sizeof name - 1);
}

static int load(SSL_CTX *ctx, const char *certificate, const char *key, struct filo_error *err) {
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1)
    return filo_fail_openssl(err, FILO_INVALID, "%s cannot be read as a certificate in PEM",
                             certificate);
  if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
    return filo_fail_openssl(err, FILO_INVALID,
                             "%s cannot be read as the key of %s in PEM, without a pass phrase",
                             key, certificate);
  return 0;
}

int filo_tls_server_new(const char *certificate, const char *key, struct filo_tls **ret,
                        struct filo_error *err) {
  ERR_clear_error();
  struct filo_tls *tls = calloc(1, sizeof *tls);
  if (!tls) return filo_fail(err, FILO_NO_MEMORY, "no memory for TLS");
  tls->refs = 1;
  tls->ctx = SSL_CTX_new(TLS_server_method());
  tls->out = filo_link_tls_method();
  int rc = tls->ctx && tls->out && configure(tls->ctx)
               ? load(tls->ctx, certificate, key, err)
               : filo_fail_openssl(err, FILO_UNSUPPORTED, "OpenSSL cannot be set up for TLS");
  ERR_clear_error();
  if (rc < 0)
    filo_tls_unref(tls);
  else
    *ret = tls;
  return rc;
}
