/* Rates: how many bytes of streams may go each way in a second, over all connections that share them.
 *
 * Each way is a bucket that fills steadily and holds a twentieth of a second's bytes, so that what
 * passes is even. Who finds it empty stands in a line, and in his turn may move a slice, of a fiftieth
 * of a second; then he goes to its end. So all connections get the same, and none waits for long.
 * Messages, credit, pings and whatever else is small are not counted: they never wait.
 *
 * Without a limit nothing is looked at but that there is none.
 *
 * Loop thread only. */
#ifndef FILO_TRANSPORT_RATE_H
#define FILO_TRANSPORT_RATE_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "error.h"

TAILQ_HEAD(filo_turns, filo_turn);

/* The place of one in a line, zeroed but for `come` and `ctx`. */
struct filo_turn {
  TAILQ_ENTRY(filo_turn) next;
  struct filo_turns *line; /* NULL: he stands in none */
  size_t granted;          /* in his turn, not used yet */
  void (*come)(void *ctx); /* bytes may go: filo_rate_take gives some */
  void *ctx;
};

struct filo_rate {
  uint64_t limit; /* bytes a second; 0: none */
  uint64_t moved; /* bytes, ever */
  double tokens, filled_at;
  struct filo_turns line, idle; /* idle: who waits until nobody else does */
  struct event timer;
};

struct filo_rates {
  unsigned refs;
  struct filo_rate up, down;
};

int filo_rates_new(struct event_base *base, struct filo_rates **ret, struct filo_error *err);
struct filo_rates *filo_rates_ref(struct filo_rates *rates);
void filo_rates_unref(struct filo_rates *rates);

/* From now on; whoever waits is looked at again. */
void filo_rate_set(struct filo_rate *rate, uint64_t limit);

/* How many of `want` bytes (1 at least) may go now, which are taken to have gone; 0: none, and he
 * stands in line: `come` is called. */
size_t filo_rate_take_slow(struct filo_rate *rate, struct filo_turn *turn, size_t want);
static inline size_t filo_rate_take(struct filo_rate *rate, struct filo_turn *turn, size_t want) {
  if (!rate) return want;
  if (rate->limit > 0) return filo_rate_take_slow(rate, turn, want);
  rate->moved += want;
  return want;
}

/* Waits, once, until there is room that nobody else wants: true when that is now; false: `come` is
 * called. Nothing is taken. */
bool filo_rate_idle(struct filo_rate *rate, struct filo_turn *turn);

/* He wants nothing any more. */
void filo_rate_leave_slow(struct filo_rate *rate, struct filo_turn *turn);
static inline void filo_rate_leave(struct filo_rate *rate, struct filo_turn *turn) {
  if (turn->line || turn->granted > 0) filo_rate_leave_slow(rate, turn);
}

#endif
