/* The options that every connected TCP socket gets. */
#ifndef FILO_TRANSPORT_SOCKET_H
#define FILO_TRANSPORT_SOCKET_H

/* No delay, keep-alive, and little unsent in the kernel: what was not sent yet is better kept where
 * a message can still overtake it. Best effort: not every kind of socket knows them. */
void filo_socket_tune(int fd);

#endif
