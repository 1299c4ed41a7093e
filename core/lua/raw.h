/* Within raw.c and raw_open.c only: a raw connection. */
#ifndef FILO_LUA_RAW_H
#define FILO_LUA_RAW_H

#include <event2/event_struct.h>
#include <lua.h>

#include "lua/handle.h"
#include "runtime/task.h"
#include "transport/address.h"
#include "transport/dial.h"
#include "transport/local.h"

enum filo_raw_way { FILO_RAW_SOCKET, FILO_RAW_READ, FILO_RAW_WRITE }; /* or one end of a pipe */

struct filo_raw_box {
  struct bufferevent *bev; /* from when it is connected until it is closed */
  struct filo_dial *dial;  /* before */
  struct event_base *base;
  enum filo_raw_way way;
  struct event arriving; /* pending while more may be read ahead */
  struct evbuffer *input;
  uint64_t sent_in;           /* the turn of the loop in which bytes went at once */
  struct filo_passed passed;  /* each with a byte of the input */
  struct event sendable;      /* pending while a descriptor waits to be passed */
  struct filo_event readable; /* connected, bytes came, ended */
  struct filo_event writable; /* bytes went, broke */
  bool ended;                 /* no more bytes come: `why` is FILO_CLOSED when that is in order */
  bool broken;                /* none can go either */
  bool all;                   /* everything is read ahead, for read "a" */
  struct filo_error why;
  char remote[FILO_ADDRESS_MAX]; /* for messages, too */
};

extern const struct filo_handle_type filo_raw_type;

/* Takes fd, which does not block; remote and way are set. */
int filo_raw_start(struct filo_raw_box *box, struct event_base *base, int fd,
                   struct filo_error *err);

#endif
