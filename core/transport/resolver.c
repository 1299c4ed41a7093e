#include "transport/resolver.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "thread.h"
#include "transport/address.h"

struct filo_look_up {
  struct filo_resolver *resolver; /* NULL: it is gone. Under `lock` */
  struct filo_look_up *next;      /* of those under way: the loop's */
  struct filo_look_up *next_ended;
  struct filo_name_wait *waits;
  struct addrinfo *found;
  int code, sys_errno; /* of getaddrinfo */
  char name[FILO_ADDRESS_MAX];
};

struct filo_resolver {
  struct filo_look_up *under_way; /* the loop's */
  unsigned count;
  struct filo_look_up *ended; /* under `lock`; these are still among those under way, too */
  struct event *wake;
  int wake_fd;
};

/* A thread may outlive its resolver. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void free_look_up(struct filo_look_up *look_up) {
  if (look_up->found) freeaddrinfo(look_up->found);
  free(look_up);
}

/* --- A thread --- */

static void *run(void *arg) {
  struct filo_look_up *look_up = arg;
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  look_up->code = getaddrinfo(look_up->name, NULL, &hints, &look_up->found);
  look_up->sys_errno = errno;
  pthread_mutex_lock(&lock);
  struct filo_resolver *resolver = look_up->resolver;
  if (resolver) {
    uint64_t one = 1;
    look_up->next_ended = resolver->ended;
    resolver->ended = look_up;
    ssize_t ignored = write(resolver->wake_fd, &one, sizeof one); /* it is set already, perhaps */
    (void)ignored;
  }
  pthread_mutex_unlock(&lock);
  if (!resolver) free_look_up(look_up);
  return NULL;
}

static int start_thread(struct filo_look_up *look_up) {
  pthread_t thread;
  int failed = filo_thread_start(&thread, run, look_up);
  if (!failed) pthread_detach(thread);
  return failed;
}

/* --- The loop --- */

static void describe(const struct filo_look_up *look_up, struct filo_error *ret) {
  if (look_up->code == EAI_SYSTEM)
    filo_fail_errno(ret, look_up->sys_errno, "cannot look up %s", look_up->name);
  else
    filo_fail(ret, FILO_UNREACHABLE, "cannot look up %s: %s", look_up->name,
              look_up->code ? gai_strerror(look_up->code) : "it has no address");
}

static void take_out(struct filo_resolver *resolver, struct filo_look_up *look_up) {
  struct filo_look_up **link = &resolver->under_way;
  while (*link != look_up) link = &(*link)->next;
  *link = look_up->next;
  resolver->count--;
}

/* Who is told may ask and forget others. */
static void finish(struct filo_resolver *resolver, struct filo_look_up *look_up) {
  struct filo_error why;
  describe(look_up, &why);
  take_out(resolver, look_up);
  for (struct filo_name_wait *wait; (wait = look_up->waits);) {
    look_up->waits = wait->next;
    wait->of = NULL;
    wait->done(wait->ctx, look_up->code == 0 ? look_up->found : NULL, &why);
  }
  free_look_up(look_up);
}

static void on_wake(evutil_socket_t fd, short what, void *arg) {
  (void)what;
  struct filo_resolver *resolver = arg;
  uint64_t count;
  ssize_t ignored = read(fd, &count, sizeof count);
  (void)ignored;
  pthread_mutex_lock(&lock);
  struct filo_look_up *ended = resolver->ended;
  resolver->ended = NULL;
  pthread_mutex_unlock(&lock);
  for (struct filo_look_up *next; ended; ended = next) {
    next = ended->next_ended;
    finish(resolver, ended);
  }
}

static struct filo_look_up *find(const struct filo_resolver *resolver, const char *name) {
  struct filo_look_up *look_up = resolver->under_way;
  while (look_up && strcasecmp(look_up->name, name) != 0) look_up = look_up->next;
  return look_up;
}

static int start(struct filo_resolver *resolver, const char *name, struct filo_look_up **ret,
                 struct filo_error *err) {
  if (resolver->count == FILO_LOOK_UPS_MAX)
    return filo_fail(err, FILO_BUSY, "cannot look up %s: %u other names are being looked up", name,
                     resolver->count);
  struct filo_look_up *look_up = calloc(1, sizeof *look_up);
  if (!look_up) return filo_fail(err, FILO_NO_MEMORY, "no memory to look up %s", name);
  look_up->resolver = resolver;
  strncpy(look_up->name, name, sizeof look_up->name - 1);
  int failed = start_thread(look_up);
  if (failed) {
    free(look_up);
    return filo_fail_errno(err, failed, "cannot start a thread to look up %s", name);
  }
  look_up->next = resolver->under_way;
  resolver->under_way = look_up;
  resolver->count++;
  *ret = look_up;
  return 0;
}

int filo_resolver_ask(struct filo_resolver *resolver, const char *name, struct filo_name_wait *wait,
                      struct filo_error *err) {
  struct filo_look_up *look_up = find(resolver, name);
  int code = look_up ? 0 : start(resolver, name, &look_up, err);
  if (code < 0) return code;
  wait->of = look_up;
  wait->next = look_up->waits;
  look_up->waits = wait;
  return 0;
}

void filo_resolver_forget(struct filo_name_wait *wait) {
  if (!wait->of) return;
  struct filo_name_wait **link = &wait->of->waits;
  while (*link != wait) link = &(*link)->next;
  *link = wait->next;
  wait->of = NULL;
}

/* --- Life --- */

int filo_resolver_new(struct event_base *base, struct filo_resolver **ret, struct filo_error *err) {
  struct filo_resolver *resolver = calloc(1, sizeof *resolver);
  if (!resolver) return filo_fail(err, FILO_NO_MEMORY, "no memory to look up names");
  resolver->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  int sys_errno = errno;
  int code = 0;
  if (resolver->wake_fd < 0)
    code = filo_fail_errno(err, sys_errno, "cannot make an event descriptor");
  else if (!(resolver->wake =
                 event_new(base, resolver->wake_fd, EV_READ | EV_PERSIST, on_wake, resolver)) ||
           event_add(resolver->wake, NULL) < 0)
    code = filo_fail(err, FILO_NO_MEMORY, "no memory to look up names");
  if (code < 0)
    filo_resolver_free(resolver);
  else
    *ret = resolver;
  return code;
}

static void abandon(struct filo_look_up *look_up) {
  while (look_up->waits) filo_resolver_forget(look_up->waits);
  look_up->resolver = NULL;
}

void filo_resolver_free(struct filo_resolver *resolver) {
  if (!resolver) return;
  pthread_mutex_lock(&lock);
  struct filo_look_up *ended = resolver->ended;
  for (struct filo_look_up *each = resolver->under_way, *next; each; each = next) {
    next = each->next; /* its thread may free it from now on ... */
    abandon(each);
  }
  pthread_mutex_unlock(&lock);
  for (struct filo_look_up *next; ended; ended = next) { /* ... unless it has ended */
    next = ended->next_ended;
    free_look_up(ended);
  }
  if (resolver->wake) event_free(resolver->wake);
  if (resolver->wake_fd >= 0) close(resolver->wake_fd);
  free(resolver);
}
