/* Text that is pasted into the terminal: it comes between two marks ("bracketed paste", as xterm has
 * it), so that its newlines can be told from those that are typed. */
#ifndef FILO_TERMINAL_PASTE_H
#define FILO_TERMINAL_PASTE_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

/* What turns the marks on and off in the terminal, and the one before what is pasted, as libedit
 * binds keys. */
#define FILO_PASTE_ON "\033[?2004h"
#define FILO_PASTE_OFF "\033[?2004l"
#define FILO_PASTE_BEGIN "\\e[200~"

struct filo_paste {
  wchar_t *text;
  size_t len, room;
};

/* Adds a character that came after the first mark; false when the second one is complete, or for
 * want of memory. */
bool filo_paste_add(struct filo_paste *paste, wchar_t c);

/* What was pasted, "" perhaps: lines end with a newline, but for the last one, and have no control
 * characters besides tabs. Borrowed; NULL for want of memory. */
const wchar_t *filo_paste_text(struct filo_paste *paste);

void filo_paste_free(struct filo_paste *paste);

#endif
