#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "transport/internal.h"

/* --- Sending --- */

int filo_outflow_open(struct filo_connection *c, const struct filo_outflow_handler *handler,
                      void *ctx, struct filo_outflow **ret, struct filo_error *err) {
  filo_connection_check(c);
  if (c->state != FILO_STATE_OPEN) return filo_fail(err, FILO_CLOSED, "the connection is not open");
  if (c->outflow_count >= STREAMS_MAX)
    return filo_fail(err, FILO_BUSY, "%d streams to %s are open already", STREAMS_MAX, c->remote);
  if (c->next_number > UINT32_MAX) {
    filo_connection_close(c, FILO_CLOSED, "the stream numbers are used up: connect anew");
    return filo_fail(err, FILO_CLOSED, "the stream numbers are used up: connect anew");
  }
  struct filo_outflow *flow = calloc(1, sizeof *flow);
  if (!flow) return filo_fail(err, FILO_NO_MEMORY, "no memory for a stream");
  flow->connection = c;
  flow->handler = *handler;
  flow->ctx = ctx;
  flow->number = (uint32_t)c->next_number;
  c->next_number += 2;
  c->outflow_count++;
  TAILQ_INSERT_TAIL(&c->outflows, flow, all);
  *ret = flow;
  return 0;
}

uint32_t filo_outflow_number(const struct filo_outflow *flow) {
  return flow->number;
}

uint64_t filo_outflow_credit(const struct filo_outflow *flow) {
  return flow->credit;
}

size_t filo_outflow_left(const struct filo_outflow *flow) {
  return flow->left;
}

void filo_outflow_write(struct filo_outflow *flow, const unsigned char *bytes, size_t len) {
  struct filo_connection *c = flow->connection;
  filo_connection_check(c);
  assert(flow->state == FILO_FLOW_OPEN && !flow->bytes);
  assert(len > 0 && len <= FILO_STREAM_FRAME_MAX && len <= flow->credit);
  flow->bytes = bytes;
  flow->left = len;
  flow->credit -= len;
  TAILQ_INSERT_TAIL(&c->ready, flow, ready);
  filo_connection_wake(c);
}

/* From now on only the loop knows the flow: it tells the peer, then drops it. */
static void retire(struct filo_outflow *flow, enum filo_flow_state state, int code) {
  flow->state = state;
  flow->code = code;
  flow->connection->untold = true;
  filo_connection_wake(flow->connection);
}

void filo_outflow_end(struct filo_outflow *flow) {
  filo_connection_check(flow->connection);
  assert(flow->state == FILO_FLOW_OPEN && !flow->bytes);
  retire(flow, FILO_FLOW_ENDING, 0);
}

/* Takes the bytes under way back from the output. */
static void reclaim(struct filo_outflow *flow) {
  if (flow->left > 0 && flow->connection->frame.flow != flow)
    TAILQ_REMOVE(&flow->connection->ready, flow, ready);
  filo_output_release(flow->connection, flow);
  flow->bytes = NULL;
  flow->left = 0;
}

void filo_outflow_abort(struct filo_outflow *flow, int code) {
  filo_connection_check(flow->connection);
  if (flow->state != FILO_FLOW_OPEN) return;
  reclaim(flow);
  retire(flow, FILO_FLOW_GIVEN_UP, code);
}

static void drop_outflow(struct filo_outflow *flow) {
  TAILQ_REMOVE(&flow->connection->outflows, flow, all);
  flow->connection->outflow_count--;
  free(flow);
}

/* Its last call. Aborting it from there does nothing. */
static void reset_outflow(struct filo_outflow *flow, int code, const char *why) {
  reclaim(flow);
  flow->state = FILO_FLOW_GIVEN_UP;
  flow->handler.reset(flow->ctx, code, why);
  drop_outflow(flow);
}

/* --- Receiving --- */

/* The flow that somebody still holds. */
static struct filo_inflow *find_inflow(const struct filo_connection *c, uint32_t number) {
  struct filo_inflow *flow = TAILQ_FIRST(&c->inflows);
  for (; flow; flow = TAILQ_NEXT(flow, all))
    if (flow->number == number && flow->state != FILO_FLOW_GIVEN_UP) return flow;
  return NULL;
}

int filo_inflow_open(struct filo_connection *c, uint32_t number,
                     const struct filo_inflow_handler *handler, void *ctx, struct filo_inflow **ret,
                     struct filo_error *err) {
  filo_connection_check(c);
  if (c->state != FILO_STATE_OPEN) return filo_fail(err, FILO_CLOSED, "the connection is not open");
  if (c->inflow_count >= STREAMS_MAX)
    return filo_fail(err, FILO_BUSY, "%d streams from %s are open already", STREAMS_MAX, c->remote);
  if (filo_stream_numbers_open(&c->numbers, number, err) < 0) {
    if (err) err->code = FILO_INVALID;
    return FILO_INVALID;
  }
  if (find_inflow(c, number))
    return filo_fail(err, FILO_INVALID, "stream %" PRIu32 " is attached already", number);
  struct filo_inflow *flow = calloc(1, sizeof *flow);
  if (!flow) return filo_fail(err, FILO_NO_MEMORY, "no memory for a stream");
  if (filo_stream_numbers_take_ended(&c->numbers, number)) {
    flow->state = FILO_FLOW_ENDING;
    filo_connection_wake(c);
  } else if (!filo_stream_numbers_is_open(&c->numbers, number)) {
    free(flow);
    return filo_fail(err, FILO_CLOSED, "stream %" PRIu32 " was given up already", number);
  }
  flow->connection = c;
  flow->handler = *handler;
  flow->ctx = ctx;
  flow->number = number;
  c->inflow_count++;
  TAILQ_INSERT_TAIL(&c->inflows, flow, all);
  *ret = flow;
  return 0;
}

void filo_inflow_credit(struct filo_inflow *flow, uint32_t bytes) {
  filo_connection_check(flow->connection);
  if (flow->state != FILO_FLOW_OPEN || bytes == 0) return;
  flow->credit += bytes;
  flow->untold += bytes;
  flow->connection->untold = true;
  filo_connection_wake(flow->connection);
}

static void drop_inflow(struct filo_inflow *flow) {
  TAILQ_REMOVE(&flow->connection->inflows, flow, all);
  flow->connection->inflow_count--;
  free(flow);
}

/* Nobody takes its bytes any more. */
static void detach(struct filo_inflow *flow) {
  struct filo_connection *c = flow->connection;
  filo_stream_numbers_close(&c->numbers, flow->number);
  if (c->inflow == flow) c->inflow = NULL;
}

void filo_inflow_abort(struct filo_inflow *flow, int code) {
  struct filo_connection *c = flow->connection;
  filo_connection_check(c);
  if (flow->state == FILO_FLOW_GIVEN_UP) return;
  if (flow->state == FILO_FLOW_ENDING) {
    drop_inflow(flow);
    return;
  }
  detach(flow);
  flow->state = FILO_FLOW_GIVEN_UP;
  flow->code = code;
  c->untold = true;
  filo_connection_wake(c);
}

/* Its last call, either way. */
static void end_inflow(struct filo_inflow *flow) {
  detach(flow);
  flow->state = FILO_FLOW_GIVEN_UP;
  flow->handler.end(flow->ctx);
  drop_inflow(flow);
}

static void reset_inflow(struct filo_inflow *flow, int code, const char *why) {
  detach(flow);
  flow->state = FILO_FLOW_GIVEN_UP;
  flow->handler.reset(flow->ctx, code, why);
  drop_inflow(flow);
}

/* --- What the peer's frames do --- */

static bool is_ours(const struct filo_connection *c, uint32_t number) {
  return number % 2 == c->next_number % 2;
}

static int check_ours(const struct filo_connection *c, uint32_t number, struct filo_error *err) {
  if (is_ours(c, number) && number < c->next_number) return 0;
  return filo_fail(err, FILO_PROTOCOL, "a frame about stream %" PRIu32 ", which was never opened",
                   number);
}

static struct filo_outflow *find_outflow(const struct filo_connection *c, uint32_t number) {
  struct filo_outflow *flow = TAILQ_FIRST(&c->outflows);
  for (; flow; flow = TAILQ_NEXT(flow, all))
    if (flow->number == number && flow->state == FILO_FLOW_OPEN) return flow;
  return NULL;
}

int filo_stream_credited(struct filo_connection *c, uint32_t number, uint32_t bytes,
                         struct filo_error *err) {
  int rc = check_ours(c, number, err);
  if (rc < 0) return rc;
  struct filo_outflow *flow = find_outflow(c, number);
  if (!flow) return 0;
  flow->credit = bytes > UINT64_MAX - flow->credit ? UINT64_MAX : flow->credit + bytes;
  flow->handler.credit(flow->ctx);
  return 0;
}

int filo_stream_reset(struct filo_connection *c, uint32_t number, uint32_t reason,
                      struct filo_error *err) {
  int code = filo_connection_code(reason);
  char why[FILO_ADDRESS_MAX + 64];
  if (code == FILO_CLOSED)
    snprintf(why, sizeof why, "%s closed the stream", c->remote);
  else
    snprintf(why, sizeof why, "%s gave the stream up: %s", c->remote, filo_code_name(code));
  if (is_ours(c, number)) {
    int rc = check_ours(c, number, err);
    if (rc < 0) return rc;
    struct filo_outflow *flow = find_outflow(c, number);
    if (flow) reset_outflow(flow, code, why);
    return 0;
  }
  int rc = filo_stream_numbers_open(&c->numbers, number, err);
  if (rc < 0) return rc;
  filo_stream_numbers_close(&c->numbers, number);
  struct filo_inflow *flow = find_inflow(c, number);
  if (flow && flow->state == FILO_FLOW_OPEN) reset_inflow(flow, code, why);
  return 0;
}

int filo_stream_frame(struct filo_connection *c, uint32_t number, uint32_t len,
                      struct filo_error *err) {
  c->inflow = NULL;
  int rc = filo_stream_numbers_open(&c->numbers, number, err);
  if (rc < 0 || !filo_stream_numbers_is_open(&c->numbers, number)) return rc;
  struct filo_inflow *flow = find_inflow(c, number);
  if (len > 0) {
    uint64_t credit = flow ? flow->credit : 0;
    if (len > credit)
      return filo_fail(err, FILO_PROTOCOL,
                       "%" PRIu32 " bytes on stream %" PRIu32 ", with credit for %" PRIu64, len,
                       number, credit);
    flow->credit -= len;
    c->inflow = flow;
  } else if (flow) {
    end_inflow(flow);
  } else {
    filo_stream_numbers_ended(&c->numbers, number);
  }
  return 0;
}

/* --- What the loop does --- */

static int tell(struct filo_connection *c, unsigned char type, uint32_t number, uint32_t value,
                struct filo_error *err) {
  struct filo_frame frame = {.type = type, .stream = number, .value = value};
  return filo_output_put(c, &frame, NULL, err);
}

static int tell_outflow(struct filo_outflow *flow, struct filo_error *err) {
  if (flow->state == FILO_FLOW_ENDING)
    return tell(flow->connection, FILO_FRAME_STREAM, flow->number, 0, err);
  return tell(flow->connection, FILO_FRAME_RESET, flow->number, filo_connection_reason(flow->code),
              err);
}

static struct filo_inflow *next_with_credit(const struct filo_connection *c) {
  struct filo_inflow *flow = TAILQ_FIRST(&c->inflows);
  for (; flow; flow = TAILQ_NEXT(flow, all))
    if (flow->untold > 0 && flow->state == FILO_FLOW_OPEN) return flow;
  return NULL;
}

/* What comes keeps to a rate by the credit that the peer is told of: where there is one, that is told
 * in pieces, of one stream after the other. */
static int tell_credit(struct filo_connection *c, struct filo_error *err) {
  struct filo_rate *down = filo_connection_down(c);
  struct filo_inflow *flow;
  while ((flow = next_with_credit(c))) {
    size_t most = flow->untold < UINT32_MAX ? (size_t)flow->untold : UINT32_MAX;
    size_t bytes = filo_rate_take(down, &c->down, most);
    if (bytes == 0) return 0;
    int rc = tell(c, FILO_FRAME_CREDIT, flow->number, (uint32_t)bytes, err);
    if (rc < 0) return rc;
    flow->untold -= bytes;
    if (flow->untold == 0) continue;
    TAILQ_REMOVE(&c->inflows, flow, all);
    TAILQ_INSERT_TAIL(&c->inflows, flow, all);
  }
  if (down) filo_rate_leave(down, &c->down);
  return 0;
}

int filo_stream_tell(struct filo_connection *c, struct filo_error *err) {
  if (!c->untold) return 0;
  struct filo_outflow *out = TAILQ_FIRST(&c->outflows), *next_out;
  for (; out; out = next_out) {
    next_out = TAILQ_NEXT(out, all);
    if (out->state == FILO_FLOW_OPEN) continue;
    int rc = tell_outflow(out, err);
    if (rc < 0) return rc;
    drop_outflow(out);
  }
  struct filo_inflow *in = TAILQ_FIRST(&c->inflows), *next_in;
  for (; in; in = next_in) {
    next_in = TAILQ_NEXT(in, all);
    if (in->state != FILO_FLOW_GIVEN_UP) continue;
    int rc = tell(c, FILO_FRAME_RESET, in->number, filo_connection_reason(in->code), err);
    if (rc < 0) return rc;
    drop_inflow(in);
  }
  int rc = tell_credit(c, err);
  if (rc < 0) return rc;
  c->untold = false;
  return 0;
}

void filo_stream_deliver(struct filo_connection *c) {
  struct filo_inflow *flow = TAILQ_FIRST(&c->inflows);
  while (flow) {
    if (flow->state == FILO_FLOW_ENDING) {
      end_inflow(flow);
      flow = TAILQ_FIRST(&c->inflows); /* the handler may have dropped any of them */
    } else {
      flow = TAILQ_NEXT(flow, all);
    }
  }
}

void filo_stream_reset_all(struct filo_connection *c, int code, const char *why) {
  struct filo_outflow *out;
  while ((out = TAILQ_FIRST(&c->outflows)))
    if (out->state == FILO_FLOW_OPEN)
      reset_outflow(out, code, why);
    else
      drop_outflow(out);
  struct filo_inflow *in;
  while ((in = TAILQ_FIRST(&c->inflows)))
    if (in->state == FILO_FLOW_OPEN)
      reset_inflow(in, code, why);
    else
      drop_inflow(in);
}
