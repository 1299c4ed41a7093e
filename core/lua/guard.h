/* A process that holds keys leaves no core file with them, and lets no other of its user read its
 * memory; what it starts is not bound by that. */
#ifndef FILO_LUA_GUARD_H
#define FILO_LUA_GUARD_H

/* Called before there are any. Any number of times. */
void filo_guard_keys(void);

#endif
