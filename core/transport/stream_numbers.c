#include <inttypes.h>
#include <string.h>

#include "transport/internal.h"

void filo_stream_numbers_init(struct filo_stream_numbers *numbers, bool dialler) {
  memset(numbers, 0, sizeof *numbers);
  numbers->next = dialler ? 2 : 1; /* the peer is the other side */
}

int filo_stream_numbers_open(struct filo_stream_numbers *numbers, uint32_t number,
                             struct filo_error *err) {
  if (number == 0 || number % 2 != numbers->next % 2)
    return filo_fail(err, FILO_PROTOCOL, "stream %" PRIu32 " is not the peer's", number);
  if (number < numbers->next) return 0;
  if ((number - numbers->next) / 2 >= STREAMS_MAX - numbers->open_count)
    return filo_fail(err, FILO_PROTOCOL,
                     "stream %" PRIu32 " was never opened, or more than %d are open", number,
                     STREAMS_MAX);
  for (; numbers->next <= number; numbers->next += 2)
    numbers->open[numbers->open_count++] = (uint32_t)numbers->next;
  return 0;
}

bool filo_stream_numbers_is_open(const struct filo_stream_numbers *numbers, uint32_t number) {
  for (unsigned i = 0; i < numbers->open_count; i++)
    if (numbers->open[i] == number) return true;
  return false;
}

void filo_stream_numbers_close(struct filo_stream_numbers *numbers, uint32_t number) {
  for (unsigned i = 0; i < numbers->open_count; i++) {
    if (numbers->open[i] != number) continue;
    numbers->open[i] = numbers->open[--numbers->open_count];
    return;
  }
}

void filo_stream_numbers_ended(struct filo_stream_numbers *numbers, uint32_t number) {
  filo_stream_numbers_close(numbers, number);
  numbers->ended[numbers->ended_at++ % STREAMS_MAX] = number;
}

bool filo_stream_numbers_take_ended(struct filo_stream_numbers *numbers, uint32_t number) {
  for (unsigned i = 0; i < STREAMS_MAX; i++) {
    if (numbers->ended[i] != number) continue;
    numbers->ended[i] = 0;
    return true;
  }
  return false;
}
