/* Only for ThreadSanitizer: Lua leaves a C function by __longjmp_chk at each wait and each error,
 * of which the sanitizer is not told. Its notes of the stack would never shrink, and be full after
 * some thousand waits. */
#include <setjmp.h>

#ifdef __SANITIZE_THREAD__
void __longjmp_chk(jmp_buf where, int value) __attribute__((noreturn));
void __longjmp_chk(jmp_buf where, int value) {
  longjmp(where, value);
}
#endif
