/* TLS 1.3 with both sides proven: self-signed Ed25519 certificates, made from the identity at
 * start. What counts is the public key, which is the peer's node ID and which CertificateVerify
 * proves; names and dates do not. Loop thread, except where said. OpenSSL's error queue is empty on
 * return from every function. */
#ifndef FILO_TRANSPORT_TLS_H
#define FILO_TRANSPORT_TLS_H

#include "crypto/identity.h"
#include "error.h"

struct filo_tls; /* shared by all connections of a node; reference counted */

int filo_tls_new(struct filo_identity *identity, struct filo_tls **ret, struct filo_error *err);
struct filo_tls *filo_tls_ref(struct filo_tls *tls);
void filo_tls_unref(struct filo_tls *tls);

#endif
