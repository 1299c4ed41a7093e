#include "transport/address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static int parse_port(const char *digits, uint16_t *ret) {
  uint32_t port = 0;
  if (!*digits) return -1;
  for (const char *p = digits; *p; p++) {
    if (*p < '0' || *p > '9') return -1;
    port = port * 10 + (uint32_t)(*p - '0');
    if (port > 65535) return -1;
  }
  *ret = (uint16_t)port;
  return 0;
}

static bool is_name(const char *host) {
  for (const char *p = host; *p; p++)
    if (!isalnum((unsigned char)*p) && !strchr("-._", *p)) return false;
  return true;
}

/* With or without "%interface". */
static bool is_ipv6(const char *host) {
  char bare[INET6_ADDRSTRLEN];
  struct in6_addr address;
  size_t len = strcspn(host, "%");
  if (len >= sizeof bare) return false;
  memcpy(bare, host, len);
  bare[len] = 0;
  if (inet_pton(AF_INET6, bare, &address) != 1) return false;
  return !host[len] || (host[len + 1] && is_name(host + len + 1));
}

int filo_address_parse(const char *text, struct filo_address *ret, struct filo_error *err) {
  bool bracket = text[0] == '[';
  const char *host = text + bracket;
  size_t len = strcspn(host, bracket ? "]" : ":");
  const char *colon = host + len + (bracket && host[len]);
  struct filo_address address = {.port = 0};

  if (*colon != ':')
    return filo_fail(err, FILO_INVALID,
                     "the address \"%.300s\" has no port: write host:port, such as "
                     "127.0.0.1:3000 or [::1]:3000",
                     text);
  if (!bracket && strchr(colon + 1, ':'))
    return filo_fail(err, FILO_INVALID,
                     "the address \"%.300s\" has more than one colon: write IPv6 in brackets, "
                     "such as [::1]:3000",
                     text);
  if (len >= sizeof address.host)
    return filo_fail(err, FILO_INVALID, "the host of an address has %zu characters, %zu at most",
                     len, sizeof address.host - 1);
  memcpy(address.host, host, len);
  if (bracket ? !is_ipv6(address.host) : !is_name(address.host))
    return filo_fail(err, FILO_INVALID, "\"%.300s\" in the address \"%.100s\" is no %s",
                     address.host, text, bracket ? "IPv6 address" : "host name or IPv4 address");
  if (parse_port(colon + 1, &address.port) < 0)
    return filo_fail(
        err, FILO_INVALID,
        "\"%.20s\" in the address \"%.300s\" is no port: write a number from 0 to 65535", colon + 1,
        text);
  *ret = address;
  return 0;
}

void filo_address_format(const struct sockaddr *sa, char out[FILO_ADDRESS_MAX]) {
  char host[NI_MAXHOST], port[NI_MAXSERV];
  socklen_t len =
      sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
  out[0] = 0;
  if (sa->sa_family != AF_INET && sa->sa_family != AF_INET6) return;
  if (getnameinfo(sa, len, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV))
    return;
  snprintf(out, FILO_ADDRESS_MAX, sa->sa_family == AF_INET6 ? "[%.200s]:%s" : "%.200s:%s", host,
           port);
}
