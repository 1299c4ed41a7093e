#include "transport/rate.h"

#include <event2/event.h>
#include <stdlib.h>
#include <time.h>

enum { SLICE_MIN = 256, SLICE_MAX = 256 * 1024, SLICES = 50, BURSTS = 20, PAUSE_US = 1000 };

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static size_t slice(const struct filo_rate *rate) {
  uint64_t bytes = rate->limit / SLICES;
  return bytes < SLICE_MIN ? SLICE_MIN : bytes > SLICE_MAX ? SLICE_MAX : (size_t)bytes;
}

static void fill(struct filo_rate *rate) {
  double at = now(), most = (double)rate->limit / BURSTS;
  rate->tokens += (at - rate->filled_at) * (double)rate->limit;
  rate->filled_at = at;
  if (rate->tokens > most) rate->tokens = most;
}

/* Rings when there is something for the next in line. */
static void set_timer(struct filo_rate *rate) {
  if (TAILQ_EMPTY(&rate->line) && TAILQ_EMPTY(&rate->idle)) return;
  double us = rate->tokens < 0 ? -rate->tokens / (double)rate->limit * 1e6 : 0;
  if (us < PAUSE_US) us = PAUSE_US;
  if (us > 1e12) us = 1e12;
  struct timeval delay = {.tv_sec = (time_t)(us / 1e6)};
  delay.tv_usec = (suseconds_t)(us - (double)delay.tv_sec * 1e6);
  event_add(&rate->timer, &delay);
}

static struct filo_turn *take_first(struct filo_turns *line) {
  struct filo_turn *turn = TAILQ_FIRST(line);
  TAILQ_REMOVE(line, turn, next);
  turn->line = NULL;
  return turn;
}

/* Only those that stand in a line now: who is called may come back to its end. */
static void call_all(struct filo_turns *line) {
  struct filo_turn *last = TAILQ_LAST(line, filo_turns), *turn;
  if (!last) return;
  do {
    turn = take_first(line);
    turn->come(turn->ctx);
  } while (turn != last && !TAILQ_EMPTY(line));
}

static void serve(struct filo_rate *rate) {
  if (rate->limit == 0) {
    call_all(&rate->line);
    call_all(&rate->idle);
    return;
  }
  fill(rate);
  while (rate->tokens > 0 && !TAILQ_EMPTY(&rate->line)) {
    struct filo_turn *turn = take_first(&rate->line);
    turn->granted = slice(rate);
    rate->tokens -= (double)turn->granted;
    turn->come(turn->ctx);
  }
  if (rate->tokens > 0) call_all(&rate->idle);
  set_timer(rate);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
  (void)fd;
  (void)what;
  serve(arg);
}

static void init(struct filo_rate *rate, struct event_base *base) {
  TAILQ_INIT(&rate->line);
  TAILQ_INIT(&rate->idle);
  event_assign(&rate->timer, base, -1, 0, on_timer, rate);
}

int filo_rates_new(struct event_base *base, struct filo_rates **ret, struct filo_error *err) {
  struct filo_rates *rates = calloc(1, sizeof *rates);
  if (!rates) return filo_fail(err, FILO_NO_MEMORY, "no memory for rates");
  rates->refs = 1;
  init(&rates->up, base);
  init(&rates->down, base);
  *ret = rates;
  return 0;
}

struct filo_rates *filo_rates_ref(struct filo_rates *rates) {
  if (rates) rates->refs++;
  return rates;
}

/* Who stands in line holds a reference. */
void filo_rates_unref(struct filo_rates *rates) {
  if (!rates || --rates->refs > 0) return;
  event_del(&rates->up.timer);
  event_del(&rates->down.timer);
  free(rates);
}

void filo_rate_set(struct filo_rate *rate, uint64_t limit) {
  if (rate->limit > 0) fill(rate);
  rate->filled_at = now();
  rate->limit = limit;
  if (rate->tokens > 0) rate->tokens = 0;
  if (-rate->tokens > (double)limit / BURSTS) rate->tokens = -(double)limit / BURSTS;
  event_del(&rate->timer);
  serve(rate);
}

static void stand_in(struct filo_rate *rate, struct filo_turns *line, struct filo_turn *turn) {
  TAILQ_INSERT_TAIL(line, turn, next);
  turn->line = line;
  if (!event_pending(&rate->timer, EV_TIMEOUT, NULL)) set_timer(rate);
}

size_t filo_rate_take_slow(struct filo_rate *rate, struct filo_turn *turn, size_t want) {
  size_t most = turn->granted;
  if (turn->line) return 0;
  if (most == 0) {
    fill(rate);
    if (rate->tokens <= 0 || !TAILQ_EMPTY(&rate->line)) {
      stand_in(rate, &rate->line, turn);
      return 0;
    }
    most = slice(rate);
    rate->tokens -= (double)most;
  }
  size_t bytes = want < most ? want : most;
  rate->tokens += (double)(most - bytes);
  turn->granted = 0;
  rate->moved += bytes;
  return bytes;
}

bool filo_rate_idle(struct filo_rate *rate, struct filo_turn *turn) {
  if (rate->limit == 0) return true;
  fill(rate);
  if (rate->tokens > 0 && TAILQ_EMPTY(&rate->line)) return true;
  if (!turn->line) stand_in(rate, &rate->idle, turn);
  return false;
}

void filo_rate_leave_slow(struct filo_rate *rate, struct filo_turn *turn) {
  rate->tokens += (double)turn->granted;
  turn->granted = 0;
  if (turn->line) TAILQ_REMOVE(turn->line, turn, next);
  turn->line = NULL;
}
