/* What link.c, link_tls.c and tls.c share: nobody else includes this. */
#ifndef FILO_TRANSPORT_LINK_INTERNAL_H
#define FILO_TRANSPORT_LINK_INTERNAL_H

#include <openssl/ssl.h>

#include "transport/link.h"

/* The plain-TCP preface: protocol and version, random bytes, node ID. */
enum { PREFACE_MAGIC = 8, PREFACE_RANDOM = 32, PREFACE_SIZE = PREFACE_MAGIC + PREFACE_RANDOM + 32 };

/* Bytes on their way out that the socket has not taken yet. With TLS: records, of which six (96
 * KiB) fit beside what OpenSSL may have to say itself. Without: small pieces, gathered. */
enum { HELD_TLS = 112 * 1024, HELD_PLAIN = 32 * 1024 };

struct filo_tls {
  unsigned refs;
  SSL_CTX *ctx;
  BIO_METHOD *out;
  unsigned char *spare; /* a HELD_TLS buffer that no link needs at the moment, or NULL */
};

struct filo_link {
  int fd;
  bool dialler;
  bool undecided; /* accepted: whether it is a bulk line is not known yet */
  bool bulk;
  bool anonymous; /* says nothing of who is at its ends */
  bool greeted;   /* our part of the handshake is made; it may still have to be sent */
  bool broken;    /* nothing can be sent or received any more */
  bool finished;  /* our end is sent */
  bool overrun;   /* TLS had more to say by itself than there is room for */
  struct filo_tls *tls;
  SSL *ssl;
  unsigned records; /* written under the present key */
  unsigned char *held;
  size_t held_start, held_end;
  unsigned char peer[FILO_ID_SIZE], binding[32];
  unsigned char preface[PREFACE_SIZE], theirs[PREFACE_SIZE];
  size_t theirs_have;
};

static inline size_t held_size(const struct filo_link *link) {
  return link->ssl ? HELD_TLS : HELD_PLAIN;
}

/* A buffer for held bytes, when there is none; FILO_NO_MEMORY. */
int filo_link_hold(struct filo_link *link, struct filo_error *err);

/* Sends held bytes; 0 when all are gone, FILO_LINK_WANT_WRITE, or negative. */
int filo_link_send_held(struct filo_link *link, struct filo_error *err);

/* What failed on the socket: FILO_UNREACHABLE for a peer that is gone. */
int filo_link_lost(struct filo_link *link, int sys_errno, struct filo_error *err);

BIO_METHOD *filo_link_tls_method(void);
int filo_link_tls_new(struct filo_link *link, struct filo_error *err);
int filo_link_tls_handshake(struct filo_link *link, struct filo_error *err);
ssize_t filo_link_tls_read(struct filo_link *link, unsigned char *out, size_t len, int *want,
                           struct filo_error *err);
ssize_t filo_link_tls_write(struct filo_link *link, const unsigned char *bytes, size_t len,
                            int *want, struct filo_error *err);
/* Puts close_notify behind what is held. */
void filo_link_tls_end(struct filo_link *link);

#endif
