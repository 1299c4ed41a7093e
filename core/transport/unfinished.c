/* Messages that come in pieces: the part that is here waits in memory for the rest. A peer may leave
 * it at that, so all connections of the process together have a bound. When it is reached, one that
 * has most is closed to make room, and of several the one that began first: what comes at all comes
 * soon. All of it belongs to the loop thread.
 */
#include <stdlib.h>

#include "transport/internal.h"

/* In the order in which they began. */
static TAILQ_HEAD(, filo_connection) all = TAILQ_HEAD_INITIALIZER(all);
static size_t total; /* bytes of room */

/* The first of those with most. */
static struct filo_connection *largest(void) {
  struct filo_connection *found = NULL, *each;
  TAILQ_FOREACH(each, &all, unfinished)
  if (!found || each->message_room > found->message_room) found = each;
  return found;
}

unsigned char *filo_unfinished_take(struct filo_connection *c) {
  unsigned char *message = c->message;
  if (message) TAILQ_REMOVE(&all, c, unfinished);
  total -= c->message_room;
  c->message = NULL;
  c->message_have = c->message_room = 0;
  return message;
}

/* Closes those that have at least as much as c is to have, until that fits. */
static int make_room(const struct filo_connection *c, size_t room, struct filo_error *err) {
  while (total - c->message_room + room > UNFINISHED_LIMIT) {
    struct filo_connection *other = largest();
    if (!other || other == c || other->message_room < room)
      return filo_fail(err, FILO_BUSY, "too much waits for the rest of messages");
    free(filo_unfinished_take(other));
    filo_connection_close(other, FILO_BUSY, "too much waits for the rest of messages");
  }
  return 0;
}

int filo_unfinished_grow(struct filo_connection *c, size_t room, struct filo_error *err) {
  int rc = make_room(c, room, err);
  if (rc < 0) return rc;
  unsigned char *message = realloc(c->message, room);
  if (!message) return filo_fail(err, FILO_NO_MEMORY, "no memory for a message");
  if (!c->message) TAILQ_INSERT_TAIL(&all, c, unfinished);
  total += room - c->message_room;
  c->message = message;
  c->message_room = room;
  return 0;
}
