#include "transfer/resources.h"

#include <stdlib.h>

int filo_resources_new(struct filo_loop *loop, struct filo_resources **ret,
                       struct filo_error *err) {
  struct filo_resources *resources = calloc(1, sizeof *resources);
  if (!resources) return filo_fail(err, FILO_NO_MEMORY, "no memory for transfers");
  resources->base = filo_loop_base(loop);
  resources->pool = filo_loop_pool(loop);
  int code = filo_buffers_new(resources->base, FILO_BUFFERS, &resources->buffers, err);
  if (code == 0) code = filo_resolver_new(resources->base, &resources->resolver, err);
  if (code < 0) {
    filo_resources_free(resources);
    return code;
  }
  *ret = resources;
  return 0;
}

void filo_resources_free(struct filo_resources *resources) {
  filo_resolver_free(resources->resolver);
  filo_buffers_free(resources->buffers);
  free(resources);
}
