/* A non-blocking byte pipe over one socket, with or without TLS: the only file that calls SSL_read
 * and SSL_write.
 *
 * Loop thread only. A link owns its descriptor. Without TLS (filo_tls NULL) both sides first
 * exchange a preface of "filo/1\r\n", 32 random bytes and their node ID, so that the layer above
 * can bind proofs to the connection in the same way. The socket gets no delay and keep-alive.
 *
 * A bulk line is a link without TLS beside one with TLS. Its preface begins with "filo/b\r\n" and has
 * a ticket in the place of the dialler's node ID, and zeros in that of the other's: nobody's ID is
 * to be seen on it.
 *
 * An anonymous link is for other protocols: bytes only, without a preface, or in TLS in which only who
 * accepts shows a certificate (transport/tls_server.h).
 */
#ifndef FILO_TRANSPORT_LINK_H
#define FILO_TRANSPORT_LINK_H

#include <stdbool.h>
#include <sys/types.h>

#include "transport/tls.h"

enum { FILO_LINK_WANT_READ = 1, FILO_LINK_WANT_WRITE = 2 };

struct filo_link;

/* Takes fd, also on failure. `id` is our own node ID, used without TLS; NULL: an anonymous link. `bulk`, of a dialler: it is a
 * bulk line, and `id` its ticket; else, with TLS: it may be one, which the peer's first byte tells. */
int filo_link_new(int fd, struct filo_tls *tls, const unsigned char id[FILO_ID_SIZE], bool dialler,
                  bool bulk, struct filo_link **ret, struct filo_error *err);

/* 0 when done, FILO_LINK_WANT_READ / _WRITE to be called again then, negative on failure. */
int filo_link_handshake(struct filo_link *link, struct filo_error *err);

/* Bytes read (at least 1); 0 with *want set when it would block; negative on failure: FILO_CLOSED
 * for an orderly end, FILO_UNREACHABLE for a reset or an end without close_notify. */
ssize_t filo_link_read(struct filo_link *link, unsigned char *out, size_t len, int *want,
                       struct filo_error *err);

/* Bytes taken, which are no longer needed then; fewer than len only with *want set, when the socket
 * is full. The link may hold what it took, so that much goes out in one send: filo_link_flush sends
 * it. */
ssize_t filo_link_write(struct filo_link *link, const unsigned char *bytes, size_t len, int *want,
                        struct filo_error *err);

/* 0 when nothing is held any more (cheap when nothing was), FILO_LINK_WANT_WRITE when the socket is
 * full, or negative. To be called after reading as well: TLS answers by itself now and then. */
int filo_link_flush(struct filo_link *link, struct filo_error *err);

/* True when a read may give bytes without the socket becoming readable (TLS holds some). */
bool filo_link_pending(const struct filo_link *link);

/* Instead of further writes: sends what is held and our end, then throws away what comes until the
 * peer ends too, so that the system does not drop what we sent. 0 when both ended,
 * FILO_LINK_WANT_READ / _WRITE to be called again then, negative on failure. */
int filo_link_finish(struct filo_link *link, struct filo_error *err);

/* As filo_socket_acknowledged. */
uint64_t filo_link_acknowledged(const struct filo_link *link, bool *more);

/* After the handshake: the peer's node ID (with TLS proven, without TLS only claimed: *proven
 * tells), and 32 bytes that are the same at both ends of this connection and of no other: the TLS
 * exporter (RFC 8446 7.5, RFC 9266) with label "EXPORTER-filo-binding", or without TLS SHA-256 over
 * both prefaces, dialler's first. */
const unsigned char *filo_link_peer(const struct filo_link *link, bool *proven);
const unsigned char *filo_link_binding(const struct filo_link *link);

/* After the handshake: whether it is a bulk line. */
bool filo_link_is_bulk(const struct filo_link *link);

/* What filo_link_free does then is to reset the connection: the peer sees that there was more to come. */
void filo_link_cut(struct filo_link *link);

/* Sends close_notify as far as that goes without waiting, then closes. */
void filo_link_free(struct filo_link *link);

#endif
