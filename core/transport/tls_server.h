/* TLS for clients of other protocols: 1.2 or 1.3, a certificate chain and a key from files in PEM, nothing asked of
 * the client, ALPN `http/1.1` where it offers that. Used on anonymous links. Any thread: it reads the files. */
#ifndef FILO_TRANSPORT_TLS_SERVER_H
#define FILO_TRANSPORT_TLS_SERVER_H

#include "transport/tls.h"

/* FILO_INVALID: they are no certificate and its key. A key with a pass phrase is refused: nobody is asked for it. */
int filo_tls_server_new(const char *certificate, const char *key, struct filo_tls **ret,
                        struct filo_error *err);

#endif
