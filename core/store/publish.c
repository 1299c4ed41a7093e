/* From draft to visible: flush the bytes, rename, flush the folders, answer.
 *
 * A flush that failed is final: the kernel may have dropped the bytes and call the next flush a
 * success, so the draft is removed. Folders are made, compared and renamed into under one mutex,
 * since a removal prunes empty ones. Whoever publishes while another's new folders are not durable
 * yet flushes these too: its own entry would be lost with them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bytes.h"
#include "store/internal.h"

/* "It is here" is an acknowledgement: what was made visible a moment ago, or could not be
 * flushed then, is as durable as a new copy would be. */
static int flush_existing(struct filo_store *store, const struct filo_location *location,
                          const char *path, struct filo_error *err) {
  pthread_mutex_lock(&store->names);
  bool needed = store->renamed > 0 && store->durability != FILO_DURABLE_NONE;
  pthread_mutex_unlock(&store->names);
  int error = needed ? filo_location_flush(location, location->depth) : 0;
  return error ? filo_fail_errno(err, error, "cannot flush %s for %s", store->root, path)
               : FILO_EXISTS;
}

int filo_publish_check(struct filo_store *store, const char *path, const struct filo_record *fields,
                       struct filo_error *err) {
  struct filo_location location;
  struct filo_error why;
  if (!filo_object_is_there(store, fields->ns, path)) return 0; /* as most often: one call tells */
  int rc = filo_location_open(store, fields->ns, path, false, &location, &why);
  if (rc == FILO_NOT_FOUND) return filo_location_check(store, NULL, path, fields, err);
  if (rc < 0) return filo_fail(err, rc, "%s", why.message);
  rc = filo_location_check(store, &location, path, fields, err);
  if (rc == FILO_EXISTS) rc = flush_existing(store, &location, path, err);
  filo_location_close(&location);
  return rc;
}

void filo_publish_sync_failed(struct filo_draft *draft, int error) {
  filo_fail_errno(&draft->err, error, "cannot flush %s for %s", draft->store->root, draft->path);
  if (!draft->name[0]) return;
  unlinkat(draft->store->tmp_fd, draft->name, 0);
  draft->name[0] = 0;
}

static int rename_into(struct filo_draft *draft) {
  struct filo_store *store = draft->store;
  filo_old_before_replacing(draft);
  if (renameat(store->tmp_fd, draft->name, draft->location.fd, draft->location.name) < 0) {
    int error = errno;
    filo_old_not_replaced(draft);
    return filo_fail_errno(&draft->err, error, "cannot publish %s in %s", draft->path, store->root);
  }
  draft->name[0] = 0;
  filo_store_changed(store, draft->fields.ns, draft->path);
  return 0;
}

static void make_visible(struct filo_draft *draft) {
  struct filo_store *store = draft->store;
  int rc =
      filo_location_open(store, draft->fields.ns, draft->path, true, &draft->location, &draft->err);
  if (rc < 0) return;
  rc = filo_location_check(store, &draft->location, draft->path, &draft->fields, &draft->err);
  if (rc == 0 && draft->over)
    rc = filo_location_check_file(&draft->location, draft->path, draft->over, &draft->err);
  if (rc == 0) rc = rename_into(draft);
  bool is_packed = rc == FILO_EXISTS && draft->location.made > 0; /* and durable */
  if ((rc < 0 && rc != FILO_EXISTS) || is_packed) {
    filo_location_prune(&draft->location, draft->fields.ns, draft->path);
    filo_location_close(&draft->location);
    return;
  }
  draft->levels = store->unflushed > 0 ? draft->location.depth : draft->location.made;
  draft->renamed = true;
  store->renamed++;
  if (draft->location.made > 0) store->unflushed++;
}

void filo_publish_rename(struct filo_draft *draft) {
  if (draft->err.code) return;
  pthread_mutex_lock(&draft->store->names);
  make_visible(draft);
  pthread_mutex_unlock(&draft->store->names);
}

static void forget(struct filo_store *store, const struct filo_draft *draft) {
  pthread_mutex_lock(&store->names);
  store->renamed--;
  if (draft->location.made > 0) store->unflushed--;
  pthread_mutex_unlock(&store->names);
}

/* One whose flush failed stays counted. */
void filo_publish_settle(struct filo_draft *draft) {
  bool durable = draft->err.code == 0 || draft->err.code == FILO_EXISTS;
  if (draft->renamed && durable) forget(draft->store, draft);
  if (draft->err.code == 0) {
    filo_bad_superseded(draft->store, &draft->fields);
    filo_old_deleted(draft->store, &draft->fields, draft->keeps_old);
    filo_old_added(draft);
    filo_parts_superseded(draft->store, &draft->fields);
  }
  draft->renamed = false;
  filo_old_close_bucket(draft);
  filo_location_close(&draft->location);
}

/* "A newer version is there" is a promise too: it must be as durable as this would have been. */
int filo_publish_sync_folders(struct filo_draft *draft) {
  int error = draft->old_fd >= 0 && fsync(draft->old_fd) < 0 ? errno : 0;
  if (!error && draft->location.fd >= 0)
    error = filo_location_flush(&draft->location, draft->levels);
  if (error) filo_publish_sync_failed(draft, error);
  return error;
}

void filo_publish_answer(struct filo_draft *draft) {
  struct filo_error err = draft->err; /* the callback may free the draft */
  draft->fn(draft->ctx, err.code, err.code ? &err : NULL);
}

void filo_draft_publish(struct filo_draft *draft, const char *path, filo_published_fn *fn,
                        void *ctx) {
  struct filo_store *store = draft->store;
  draft->fn = fn;
  draft->ctx = ctx;
  memset(&draft->err, 0, sizeof draft->err);
  if (filo_path_check(path, strnlen(path, FILO_PATH_MAX), &draft->err) == 0) {
    memmove(draft->path, path, strlen(path) + 1); /* it may be the same */
    filo_attribute_note(draft->fd, draft->verified ? draft->verified : time(NULL),
                        draft->has_bringer ? draft->bringer : NULL);
    if (store->durability == FILO_DURABLE_GROUP) {
      filo_flusher_add(store->flusher, draft);
      return;
    }
    if (store->durability == FILO_DURABLE_FULL && fsync(draft->fd) < 0)
      filo_publish_sync_failed(draft, errno);
    filo_publish_rename(draft);
    if (store->durability == FILO_DURABLE_FULL) filo_publish_sync_folders(draft);
    filo_publish_settle(draft);
  }
  filo_publish_answer(draft);
}
