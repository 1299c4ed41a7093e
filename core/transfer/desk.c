#include "transfer/desk.h"

#include <stdlib.h>

int filo_desk_new(struct filo_loop *loop, struct filo_desk **ret, struct filo_error *err) {
  struct filo_desk *desk = calloc(1, sizeof *desk);
  if (!desk) return filo_fail(err, FILO_NO_MEMORY, "no memory for transfers");
  desk->base = filo_loop_base(loop);
  desk->pool = filo_loop_pool(loop);
  int code = filo_buffers_new(desk->base, FILO_BUFFERS, &desk->buffers, err);
  if (code < 0) {
    free(desk);
    return code;
  }
  *ret = desk;
  return 0;
}

void filo_desk_free(struct filo_desk *desk) {
  filo_buffers_free(desk->buffers);
  free(desk);
}
