/* Texts of addresses. One that is taken, written anew, is taken as the same; the numeric form of a
 * socket address is too. */
#include "transport/address.h"

#include <netdb.h>
#include <string.h>

#include "fuzz.h"

static void write_text(char *out, size_t size, const struct filo_address *address) {
  snprintf(out, size, strchr(address->host, ':') ? "[%s]:%u" : "%s:%u", address->host,
           address->port);
}

static void check_numeric(const struct filo_address *address) {
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                 .ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  struct filo_address again;
  char port[8], text[FILO_ADDRESS_MAX];
  snprintf(port, sizeof port, "%u", address->port);
  if (!address->host[0] || getaddrinfo(address->host, port, &hints, &found) != 0) return;
  filo_address_format(found->ai_addr, text);
  MUST(filo_address_parse(text, &again, NULL) == 0 && again.port == address->port);
  freeaddrinfo(found);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
  struct filo_address address, again;
  struct filo_error err;
  char written[FILO_ADDRESS_MAX + 8], *text = strndup((const char *)bytes, len);
  MUST(text);
  int code = filo_address_parse(text, &address, &err);
  if (code == 0) {
    write_text(written, sizeof written, &address);
    MUST(filo_address_parse(written, &again, NULL) == 0);
    MUST(strcmp(again.host, address.host) == 0 && again.port == address.port);
    check_numeric(&address);
  } else {
    MUST(code == FILO_INVALID && err.message[0]);
  }
  free(text);
  return 0;
}
