#include "crypto/random.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/rand.h>

int filo_random(void *out, size_t len, struct filo_error *err) {
  unsigned char *p = out;
  ERR_clear_error();
  while (len > 0) {
    int n = len > INT_MAX ? INT_MAX : (int)len;
    if (RAND_bytes(p, n) != 1) return filo_fail_openssl(err, FILO_IO, "no random bytes to be had");
    p += n;
    len -= (size_t)n;
  }
  return 0;
}
