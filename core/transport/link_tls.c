/* TLS over the socket. OpenSSL reads from the socket itself, ahead; what it writes goes into the
 * link's held bytes, six records at a time, and from there to the socket in one send. Measured over
 * loopback, in CPU-seconds a GiB at both ends together: a send for each record (SSL_set_fd) 0.75 to
 * 1.0, this 0.69; 16 records a send are as good under reno, but a quarter dearer under bbr. It also
 * means that SSL_write never has to be repeated: there is always room for the record that it makes,
 * so that a partial write is a matter of plain bytes. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "transport/link_internal.h"

enum {
  RECORD = 16384,
  RECORD_OVERHEAD = 256,
  OWN_WORDS = 4096,     /* room for alerts and key updates, which OpenSSL sends by itself */
  KEY_RECORDS = 1 << 22 /* then a new key: AES-GCM is good for 2^24.5 (RFC 8446 5.5) */
};

static int out_write(BIO *bio, const char *bytes, int len) {
  struct filo_link *link = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  link->overrun = filo_link_hold(link, NULL) < 0 || (size_t)len > HELD_TLS - link->held_end;
  if (link->overrun) return -1;
  memcpy(link->held + link->held_end, bytes, (size_t)len);
  link->held_end += (size_t)len;
  return len;
}

static long out_ctrl(BIO *bio, int cmd, long number, void *pointer) {
  (void)bio;
  (void)number;
  (void)pointer;
  return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *filo_link_tls_method(void) {
  BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "filo link");
  if (method && BIO_meth_set_write(method, out_write) && BIO_meth_set_ctrl(method, out_ctrl))
    return method;
  BIO_meth_free(method);
  return NULL;
}

int filo_link_tls_new(struct filo_link *link, struct filo_error *err) {
  ERR_clear_error();
  BIO *in = BIO_new_socket(link->fd, BIO_NOCLOSE), *out = BIO_new(link->tls->out);
  link->ssl = SSL_new(link->tls->ctx);
  if (!in || !out || !link->ssl) {
    BIO_free(in);
    BIO_free(out);
    return filo_fail_openssl(err, FILO_NO_MEMORY, "no memory for a TLS connection");
  }
  BIO_set_data(out, link);
  BIO_set_init(out, 1);
  SSL_set0_rbio(link->ssl, in);
  SSL_set0_wbio(link->ssl, out);
  if (link->dialler)
    SSL_set_connect_state(link->ssl);
  else
    SSL_set_accept_state(link->ssl);
  return 0;
}

static bool cut_short(unsigned long reason) {
  return ERR_GET_LIB(reason) == ERR_LIB_SSL &&
         ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

static bool no_certificate(unsigned long reason) {
  return ERR_GET_LIB(reason) == ERR_LIB_SSL &&
         ERR_GET_REASON(reason) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
}

static bool not_tls(unsigned long reason) {
  int why = ERR_GET_LIB(reason) == ERR_LIB_SSL ? ERR_GET_REASON(reason) : 0;
  return why == SSL_R_WRONG_VERSION_NUMBER || why == SSL_R_HTTP_REQUEST ||
         why == SSL_R_BAD_RECORD_TYPE;
}

static int explain(struct filo_link *link, int kind, int sys_errno, struct filo_error *err) {
  unsigned long reason = ERR_peek_last_error();
  if (link->overrun)
    return filo_fail_openssl(err, FILO_PROTOCOL, "the peer asks for keys, but reads nothing");
  if (kind == SSL_ERROR_SYSCALL && sys_errno) return filo_link_lost(link, sys_errno, err);
  if (cut_short(reason) || !reason)
    return filo_fail(err, FILO_UNREACHABLE,
                     link->greeted ? "the connection was cut"
                                   : "the peer hung up during the handshake");
  if (SSL_get_verify_result(link->ssl) != X509_V_OK || no_certificate(reason))
    return filo_fail_openssl(err, FILO_DENIED, "the peer's certificate is not of Filo's kind");
  if (link->greeted) return filo_fail_openssl(err, FILO_PROTOCOL, "TLS failed");
  return filo_fail_openssl(err, FILO_PROTOCOL, "the TLS handshake failed%s",
                           not_tls(reason) ? " (the peer does not speak TLS)" : "");
}

/* An SSL function failed for good: says why, to the peer too (OpenSSL made an alert). */
static int failed(struct filo_link *link, int kind, int sys_errno, struct filo_error *err) {
  int code = explain(link, kind, sys_errno, err);
  ERR_clear_error();
  if (!link->broken) filo_link_send_held(link, NULL);
  link->broken = true;
  return code;
}

/* After the handshake: who it is, and what binds proofs to this connection. */
static int introduce(struct filo_link *link, struct filo_error *err) {
  const unsigned char *protocol;
  unsigned protocol_len;
  SSL_get0_alpn_selected(link->ssl, &protocol, &protocol_len);
  if (protocol_len == 0) {
    link->broken = true;
    return filo_fail(err, FILO_PROTOCOL, "the peer speaks TLS, but not filo/1");
  }
  X509 *leaf = SSL_get0_peer_certificate(link->ssl);
  EVP_PKEY *key = leaf ? X509_get0_pubkey(leaf) : NULL;
  size_t len = sizeof link->peer;
  static const char label[] = "EXPORTER-filo-binding";
  if (!key || EVP_PKEY_get_raw_public_key(key, link->peer, &len) != 1 || len != sizeof link->peer ||
      SSL_export_keying_material(link->ssl, link->binding, sizeof link->binding, label,
                                 sizeof label - 1, NULL, 0, 0) != 1) {
    link->broken = true;
    return filo_fail_openssl(err, FILO_DENIED, "the peer's identity cannot be read");
  }
  return 0;
}

int filo_link_tls_handshake(struct filo_link *link, struct filo_error *err) {
  if (!link->greeted) {
    ERR_clear_error();
    errno = 0;
    int rc = SSL_do_handshake(link->ssl), sys_errno = errno;
    int kind = SSL_get_error(link->ssl, rc);
    if (kind == SSL_ERROR_NONE) {
      int known = link->anonymous ? 0 : introduce(link, err);
      if (known < 0) return known;
      link->greeted = true;
    } else if (kind != SSL_ERROR_WANT_READ) {
      return failed(link, kind, sys_errno, err);
    }
    ERR_clear_error();
  }
  int sent = filo_link_send_held(link, err);
  return sent || link->greeted ? sent : FILO_LINK_WANT_READ;
}

ssize_t filo_link_tls_read(struct filo_link *link, unsigned char *out, size_t len, int *want,
                           struct filo_error *err) {
  size_t n = 0;
  ERR_clear_error();
  errno = 0;
  int rc = SSL_read_ex(link->ssl, out, len, &n), sys_errno = errno;
  if (rc == 1) return (ssize_t)n;
  int kind = SSL_get_error(link->ssl, rc);
  if (kind == SSL_ERROR_WANT_READ) {
    *want = FILO_LINK_WANT_READ;
    return 0;
  }
  if (kind == SSL_ERROR_ZERO_RETURN) return filo_fail(err, FILO_CLOSED, "the peer hung up");
  return failed(link, kind, sys_errno, err);
}

static void renew_key(struct filo_link *link) {
  if (++link->records < KEY_RECORDS || SSL_version(link->ssl) < TLS1_3_VERSION) return;
  link->records = 0;
  SSL_key_update(link->ssl, SSL_KEY_UPDATE_NOT_REQUESTED);
}

/* Turns bytes into records while there is room for them; returns how many it took. */
static ssize_t encrypt(struct filo_link *link, const unsigned char *bytes, size_t len,
                       struct filo_error *err) {
  size_t done = 0;
  while (done < len && HELD_TLS - link->held_end >= RECORD + RECORD_OVERHEAD + OWN_WORDS) {
    size_t piece = len - done < RECORD ? len - done : RECORD, n = 0;
    ERR_clear_error();
    int rc = SSL_write_ex(link->ssl, bytes + done, piece, &n);
    if (rc != 1) return failed(link, SSL_get_error(link->ssl, rc), 0, err);
    done += n;
    renew_key(link);
  }
  return (ssize_t)done;
}

ssize_t filo_link_tls_write(struct filo_link *link, const unsigned char *bytes, size_t len,
                            int *want, struct filo_error *err) {
  size_t done = 0;
  while (done < len) {
    int rc = filo_link_hold(link, err);
    if (rc < 0) return rc;
    ssize_t n = encrypt(link, bytes + done, len - done, err);
    if (n < 0) return n;
    done += (size_t)n;
    if (done == len) break;
    rc = filo_link_send_held(link, err);
    if (rc < 0) return rc;
    if (rc > 0) {
      *want = rc;
      break;
    }
  }
  return (ssize_t)done;
}

void filo_link_tls_end(struct filo_link *link) {
  ERR_clear_error();
  SSL_shutdown(link->ssl);
  ERR_clear_error();
}
