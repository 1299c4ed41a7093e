/* The framing `aws-chunked` of S3 (Signature Version 4, "Transferring Payload in Multiple Chunks"), from bytes to
 * pieces of data:
 *
 *     HEX[;chunk-signature=64 HEX] CRLF data CRLF ... 0[;chunk-signature=64 HEX] CRLF *(name:value CRLF) CRLF
 *
 * Nothing else is let through, but that a trailer may end with LF instead, behind which an empty line of its own may
 * come: so they are written in Amazon's documentation, and by clients that follow it. Signatures are
 * taken apart here, and verified elsewhere. Touches no sockets; one thread at a time.
 */
#ifndef FILO_S3_FRAMES_H
#define FILO_S3_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

enum {
  FILO_S3_HEADER_MAX = 256,    /* bytes of the line before a chunk */
  FILO_S3_TRAILERS_MAX = 4096, /* of all trailers, as they came */
  FILO_S3_SIGNATURE_SIZE = 32
};

enum filo_s3_frame {
  FILO_S3_MORE,      /* nothing yet: once all bytes are used, others are wanted */
  FILO_S3_CHUNK,     /* the line before a chunk: `left` bytes of data come, 0 before the trailers */
  FILO_S3_DATA,      /* a piece of it */
  FILO_S3_CHUNK_END, /* behind its data */
  FILO_S3_END        /* of all */
};

enum filo_s3_state {
  FILO_S3_IN_HEADER,
  FILO_S3_IN_DATA,
  FILO_S3_BEHIND_DATA,
  FILO_S3_IN_TRAILERS,
  FILO_S3_ENDED
};

struct filo_s3_signature {
  bool is_there;
  unsigned char bytes[FILO_S3_SIGNATURE_SIZE];
};

/* Starts as zeros. */
struct filo_s3_frames {
  enum filo_s3_state state;
  uint64_t left;                     /* of the chunk */
  struct filo_s3_signature chunk;    /* its signature */
  struct filo_s3_signature trailers; /* theirs, which is none of them */
  /* "name:value\n" of each, in lower case and without blanks around the value: as they are signed. */
  char text[FILO_S3_TRAILERS_MAX];
  size_t text_len;

  char line[FILO_S3_TRAILERS_MAX]; /* that is not whole */
  size_t line_len, trailers_came;
  bool bare; /* the last trailer ended with LF */
};

/* Takes bytes from the front, *used of them, up to the next part, and says which that is. A piece of data lies in
 * these bytes, and is among the used ones. FILO_INVALID for what is no such framing. */
int filo_s3_frames_parse(struct filo_s3_frames *frames, const unsigned char *bytes, size_t len,
                         size_t *used, const unsigned char **piece, size_t *piece_len,
                         struct filo_error *err);

#endif
