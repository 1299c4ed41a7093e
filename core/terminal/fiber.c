/* Contexts of ucontext.h. The sanitizers are told of each switch, for they keep notes of each
 * stack; there is no swapcontext because AddressSanitizer warns of it whatever it was told. */
#include "terminal/fiber.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define WITH_ADDRESS_SANITIZER
#elif __has_feature(thread_sanitizer)
#define WITH_THREAD_SANITIZER
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define WITH_ADDRESS_SANITIZER
#endif
#ifdef __SANITIZE_THREAD__
#define WITH_THREAD_SANITIZER
#endif

#ifdef WITH_ADDRESS_SANITIZER
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_THREAD_SANITIZER
#include <sanitizer/tsan_interface.h>
#endif

enum { STACK_SIZE = 256 << 10, GUARD_SIZE = 64 << 10 }; /* a multiple of every page size */

struct side {
  ucontext_t context;
  void *notes; /* of the sanitizer */
  const void *bottom;
  size_t size;
};

struct filo_fiber {
  struct side outside, inside;
  void (*fn)(void *arg);
  void *arg;
  void *map;
  bool under_way;
};

/* --- Switching --- */

static inline __attribute__((always_inline)) void announce(struct side *from, struct side *to,
                                                           bool for_good) {
#ifdef WITH_ADDRESS_SANITIZER
  __sanitizer_start_switch_fiber(for_good ? NULL : &from->notes, to->bottom, to->size);
#elif defined WITH_THREAD_SANITIZER
  __tsan_switch_to_fiber(to->notes, 0);
#endif
  (void)from, (void)to, (void)for_good;
}

/* First thing on the other side. */
static void arrive(struct side *at, struct side *from) {
#ifdef WITH_ADDRESS_SANITIZER
  __sanitizer_finish_switch_fiber(at->notes, &from->bottom, &from->size);
#endif
  (void)at, (void)from;
}

static void change(struct side *from, struct side *to) {
  volatile bool back = false;
  getcontext(&from->context); /* goes on from here once more when it is set again */
  if (!back) {
    back = true;
    announce(from, to, false);
    setcontext(&to->context);
  }
  arrive(from, to);
}

/* makecontext hands over ints: the pointer comes in two. */
static void run(unsigned high, unsigned low) {
  struct filo_fiber *fiber = (struct filo_fiber *)((uintptr_t)((uint64_t)high << 32 | low));
  arrive(&fiber->inside, &fiber->outside);
  fiber->fn(fiber->arg);
  fiber->under_way = false;
  announce(&fiber->inside, &fiber->outside, true);
  setcontext(&fiber->outside.context);
}

static void forget_notes(struct filo_fiber *fiber) {
#ifdef WITH_THREAD_SANITIZER
  if (fiber->inside.notes) __tsan_destroy_fiber(fiber->inside.notes);
#endif
  fiber->inside.notes = NULL;
}

static void make_notes(struct filo_fiber *fiber) {
#ifdef WITH_THREAD_SANITIZER
  fiber->outside.notes = __tsan_get_current_fiber();
  fiber->inside.notes = __tsan_create_fiber(0);
#endif
  (void)fiber;
}

void filo_fiber_start(struct filo_fiber *fiber, void (*fn)(void *arg), void *arg) {
  make_notes(fiber);
  fiber->fn = fn;
  fiber->arg = arg;
  fiber->under_way = true;
  getcontext(&fiber->inside.context);
  fiber->inside.context.uc_stack.ss_sp = (void *)fiber->inside.bottom;
  fiber->inside.context.uc_stack.ss_size = fiber->inside.size;
  uint64_t address = (uintptr_t)fiber;
  makecontext(&fiber->inside.context, (void (*)(void))run, 2, (unsigned)(address >> 32),
              (unsigned)address);
  filo_fiber_resume(fiber);
}

void filo_fiber_resume(struct filo_fiber *fiber) {
  change(&fiber->outside, &fiber->inside);
  if (!fiber->under_way) forget_notes(fiber);
}

void filo_fiber_pause(struct filo_fiber *fiber) {
  change(&fiber->inside, &fiber->outside);
}

bool filo_fiber_under_way(const struct filo_fiber *fiber) {
  return fiber->under_way;
}

/* --- Making --- */

int filo_fiber_new(struct filo_fiber **ret, struct filo_error *err) {
  struct filo_fiber *fiber = calloc(1, sizeof *fiber);
  if (!fiber) return filo_fail(err, FILO_NO_MEMORY, "no memory for a stack");
  fiber->map = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
  if (fiber->map == MAP_FAILED) {
    free(fiber);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for a stack");
  }
  fiber->inside.bottom = (char *)fiber->map + GUARD_SIZE;
  fiber->inside.size = STACK_SIZE;
  if (mprotect((void *)fiber->inside.bottom, STACK_SIZE, PROT_READ | PROT_WRITE) < 0) {
    int saved = errno;
    filo_fiber_free(fiber);
    return filo_fail_errno(err, saved, "no memory for a stack");
  }
  *ret = fiber;
  return 0;
}

void filo_fiber_free(struct filo_fiber *fiber) {
  if (!fiber) return;
  munmap(fiber->map, GUARD_SIZE + STACK_SIZE);
  free(fiber);
}
