#include "transport/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "bytes.h"
#include "crypto/digest.h"
#include "crypto/random.h"
#include "transport/link_internal.h"
#include "transport/socket.h"

/* Pieces from this size on go to the socket from where they are; smaller ones are gathered. */
enum { DIRECT = 16 * 1024, DISCARD = 256 * 1024 };

static const char peer_magic[PREFACE_MAGIC + 1] = "filo/1\r\n";
static const char bulk_magic[PREFACE_MAGIC + 1] = "filo/b\r\n";

/* --- Held bytes --- */

int filo_link_hold(struct filo_link *link, struct filo_error *err) {
  if (link->held) return 0;
  if (link->ssl && link->tls->spare) {
    link->held = link->tls->spare;
    link->tls->spare = NULL;
    return 0;
  }
  link->held = malloc(held_size(link));
  return link->held ? 0 : filo_fail(err, FILO_NO_MEMORY, "no memory for bytes to be sent");
}

/* An idle link holds no buffer; the last one is kept for whoever needs it next. */
static void release_held(struct filo_link *link) {
  link->held_start = link->held_end = 0;
  if (link->ssl && !link->tls->spare)
    link->tls->spare = link->held;
  else
    free(link->held);
  link->held = NULL;
}

int filo_link_lost(struct filo_link *link, int sys_errno, struct filo_error *err) {
  link->broken = true;
  int code = filo_fail_errno(err, sys_errno, "the connection was lost");
  if (sys_errno == ECONNRESET || sys_errno == EPIPE || sys_errno == ETIMEDOUT) {
    if (err) err->code = FILO_UNREACHABLE;
    return FILO_UNREACHABLE;
  }
  return code;
}

static bool would_block(int sys_errno) {
  return sys_errno == EAGAIN || sys_errno == EWOULDBLOCK;
}

/* Sends held bytes, and `bytes` right behind them in the same call. Counts what went of both; -1
 * with *sys_errno. */
static ssize_t send_both(struct filo_link *link, const unsigned char *bytes, size_t len,
                         int *sys_errno) {
  struct iovec pieces[2] = {
      {link->held ? link->held + link->held_start : NULL, link->held_end - link->held_start},
      {(void *)(uintptr_t)bytes, len}};
  struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
  ssize_t n;
  do {
    n = sendmsg(link->fd, &message, MSG_NOSIGNAL);
    *sys_errno = errno;
  } while (n < 0 && *sys_errno == EINTR);
  return n;
}

/* As filo_link_write, past the gathering: bytes taken, with *want set when the socket is full. */
static ssize_t send_through(struct filo_link *link, const unsigned char *bytes, size_t len,
                            int *want, struct filo_error *err) {
  size_t done = 0;
  while (link->held || done < len) {
    int sys_errno;
    ssize_t n = send_both(link, len > done ? bytes + done : NULL, len - done, &sys_errno);
    if (n < 0 && !would_block(sys_errno)) return filo_link_lost(link, sys_errno, err);
    if (n < 0) {
      *want = FILO_LINK_WANT_WRITE;
      break;
    }
    size_t held = link->held_end - link->held_start;
    if ((size_t)n < held) {
      link->held_start += (size_t)n;
      continue;
    }
    if (link->held) release_held(link);
    done += (size_t)n - held;
  }
  return (ssize_t)done;
}

int filo_link_send_held(struct filo_link *link, struct filo_error *err) {
  int want = 0;
  ssize_t n = send_through(link, NULL, 0, &want, err);
  return n < 0 ? (int)n : want;
}

/* --- Plain TCP --- */

static const char *magic_of(const struct filo_link *link) {
  return link->bulk ? bulk_magic : peer_magic;
}

static int start_preface(struct filo_link *link, const unsigned char *id, struct filo_error *err) {
  memcpy(link->preface, magic_of(link), PREFACE_MAGIC);
  memcpy(link->preface + PREFACE_MAGIC + PREFACE_RANDOM, id, FILO_ID_SIZE);
  int rc = filo_random(link->preface + PREFACE_MAGIC, PREFACE_RANDOM, err);
  if (rc == 0) rc = filo_link_hold(link, err);
  if (rc < 0) return rc;
  memcpy(link->held, link->preface, PREFACE_SIZE);
  link->held_end = PREFACE_SIZE;
  return 0;
}

static ssize_t plain_read(struct filo_link *link, unsigned char *out, size_t len, int *want,
                          struct filo_error *err) {
  for (;;) {
    ssize_t n = recv(link->fd, out, len, 0);
    int sys_errno = errno;
    if (n > 0) return n;
    if (n == 0) return filo_fail(err, FILO_CLOSED, "the peer hung up");
    if (would_block(sys_errno)) {
      *want = FILO_LINK_WANT_READ;
      return 0;
    }
    if (sys_errno != EINTR) return filo_link_lost(link, sys_errno, err);
  }
}

/* Both prefaces are here: the peer's claim, and the binding. */
static int plain_introduce(struct filo_link *link, struct filo_error *err) {
  unsigned char both[2 * PREFACE_SIZE];
  memcpy(both, link->dialler ? link->preface : link->theirs, PREFACE_SIZE);
  memcpy(both + PREFACE_SIZE, link->dialler ? link->theirs : link->preface, PREFACE_SIZE);
  int rc = filo_digest(FILO_SHA256, both, sizeof both, link->binding, err);
  if (rc < 0) return rc;
  memcpy(link->peer, link->theirs + PREFACE_MAGIC + PREFACE_RANDOM, FILO_ID_SIZE);
  link->greeted = true;
  return 0;
}

static int plain_handshake(struct filo_link *link, struct filo_error *err) {
  int want = filo_link_send_held(link, err);
  if (want < 0) return want;
  while (link->theirs_have < PREFACE_SIZE) {
    int read_want = 0;
    ssize_t n = plain_read(link, link->theirs + link->theirs_have, PREFACE_SIZE - link->theirs_have,
                           &read_want, err);
    if (n == FILO_CLOSED)
      return filo_fail(err, FILO_UNREACHABLE,
                       "the peer hung up during the handshake (both sides need the same tls "
                       "setting)");
    if (n < 0) return (int)n;
    if (n == 0) return want ? want : read_want;
    link->theirs_have += (size_t)n;
    size_t known = link->theirs_have < PREFACE_MAGIC ? link->theirs_have : PREFACE_MAGIC;
    if (memcmp(link->theirs, magic_of(link), known) != 0) {
      link->broken = true;
      return filo_fail(err, FILO_PROTOCOL,
                       "the peer does not speak filo/1 without TLS (both sides need the same tls "
                       "setting)");
    }
  }
  int rc = link->greeted ? 0 : plain_introduce(link, err);
  return rc < 0 ? rc : want;
}

static ssize_t plain_write(struct filo_link *link, const unsigned char *bytes, size_t len,
                           int *want, struct filo_error *err) {
  if (len >= DIRECT || len > HELD_PLAIN - link->held_end)
    return send_through(link, bytes, len, want, err);
  int rc = filo_link_hold(link, err);
  if (rc < 0) return rc;
  memcpy(link->held + link->held_end, bytes, len);
  link->held_end += len;
  return (ssize_t)len;
}

/* --- Both --- */

/* A TLS record of a handshake begins with another byte than a bulk line. 0 when it is known now. */
static int decide(struct filo_link *link, struct filo_error *err) {
  static const unsigned char nobody[FILO_ID_SIZE];
  unsigned char first;
  ssize_t n;
  do n = recv(link->fd, &first, 1, MSG_PEEK);
  while (n < 0 && errno == EINTR);
  int sys_errno = errno;
  if (n < 0 && would_block(sys_errno)) return FILO_LINK_WANT_READ;
  if (n < 0) return filo_link_lost(link, sys_errno, err);
  if (n == 0) return filo_fail(err, FILO_UNREACHABLE, "the peer hung up during the handshake");
  link->undecided = false;
  if (first != (unsigned char)bulk_magic[0]) return filo_link_tls_new(link, err);
  link->bulk = true;
  return start_preface(link, nobody, err);
}

static int begin(struct filo_link *link, const unsigned char *id, bool bulk,
                 struct filo_error *err) {
  link->bulk = bulk && link->dialler;
  link->undecided = bulk && !link->dialler && link->tls;
  link->anonymous = !id;
  if (link->undecided) return 0;
  if (link->tls && !link->bulk) return filo_link_tls_new(link, err);
  return id ? start_preface(link, id, err) : 0;
}

int filo_link_new(int fd, struct filo_tls *tls, const unsigned char id[FILO_ID_SIZE], bool dialler,
                  bool bulk, struct filo_link **ret, struct filo_error *err) {
  struct filo_link *link = calloc(1, sizeof *link);
  if (!link) {
    close(fd);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for a connection");
  }
  link->fd = fd;
  link->dialler = dialler;
  link->tls = tls ? filo_tls_ref(tls) : NULL;
  filo_socket_tune(fd);
  int rc = begin(link, id, bulk, err);
  if (rc < 0) {
    filo_link_free(link);
    return rc;
  }
  *ret = link;
  return 0;
}

int filo_link_handshake(struct filo_link *link, struct filo_error *err) {
  int rc = link->undecided ? decide(link, err) : 0;
  if (rc != 0) return rc;
  if (link->ssl) return filo_link_tls_handshake(link, err);
  return link->anonymous ? 0 : plain_handshake(link, err);
}

ssize_t filo_link_read(struct filo_link *link, unsigned char *out, size_t len, int *want,
                       struct filo_error *err) {
  *want = 0;
  return link->ssl ? filo_link_tls_read(link, out, len, want, err)
                   : plain_read(link, out, len, want, err);
}

ssize_t filo_link_write(struct filo_link *link, const unsigned char *bytes, size_t len, int *want,
                        struct filo_error *err) {
  *want = 0;
  return link->ssl ? filo_link_tls_write(link, bytes, len, want, err)
                   : plain_write(link, bytes, len, want, err);
}

int filo_link_flush(struct filo_link *link, struct filo_error *err) {
  return filo_link_send_held(link, err);
}

bool filo_link_is_bulk(const struct filo_link *link) {
  return link->bulk;
}

bool filo_link_pending(const struct filo_link *link) {
  return link->ssl && SSL_has_pending(link->ssl);
}

uint64_t filo_link_acknowledged(const struct filo_link *link, bool *more) {
  return filo_socket_acknowledged(link->fd, more);
}

const unsigned char *filo_link_peer(const struct filo_link *link, bool *proven) {
  if (proven) *proven = link->ssl != NULL;
  return link->peer;
}

const unsigned char *filo_link_binding(const struct filo_link *link) {
  return link->binding;
}

int filo_link_finish(struct filo_link *link, struct filo_error *err) {
  unsigned char sink[16 * 1024];
  if (!link->finished) {
    if (link->ssl && link->greeted && !link->broken) filo_link_tls_end(link);
    link->finished = true;
  }
  int rc = filo_link_send_held(link, err);
  if (rc != 0) return rc;
  shutdown(link->fd, SHUT_WR);
  for (size_t total = 0; total < DISCARD;) {
    int want = 0;
    ssize_t n = plain_read(link, sink, sizeof sink, &want, err);
    if (n == FILO_CLOSED) return 0;
    if (n <= 0) return n < 0 ? (int)n : want;
    total += (size_t)n;
  }
  return FILO_LINK_WANT_READ;
}

void filo_link_cut(struct filo_link *link) {
  static const struct linger at_once = {.l_onoff = 1};
  setsockopt(link->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  link->broken = true;
}

void filo_link_free(struct filo_link *link) {
  if (!link) return;
  if (link->ssl && link->greeted && !link->finished && !link->broken) filo_link_tls_end(link);
  if (link->held && !link->broken) filo_link_send_held(link, NULL);
  if (link->held) release_held(link);
  close(link->fd);
  SSL_free(link->ssl);
  filo_tls_unref(link->tls);
  free(link);
}
