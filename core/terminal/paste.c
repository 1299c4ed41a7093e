#include "terminal/paste.h"

#include <stdlib.h>
#include <wctype.h>

static const wchar_t end_mark[] = L"\033[201~";

enum { END_LENGTH = sizeof end_mark / sizeof *end_mark - 1 };

static bool is_whole(const struct filo_paste *paste) {
  return paste->len >= END_LENGTH &&
         wmemcmp(paste->text + paste->len - END_LENGTH, end_mark, END_LENGTH) == 0;
}

bool filo_paste_add(struct filo_paste *paste, wchar_t c) {
  if (paste->len + 1 >= paste->room) {
    size_t room = paste->room ? 2 * paste->room : 1024;
    wchar_t *larger = realloc(paste->text, room * sizeof *larger);
    if (!larger) return false;
    paste->text = larger;
    paste->room = room;
  }
  paste->text[paste->len++] = c;
  return !is_whole(paste);
}

const wchar_t *filo_paste_text(struct filo_paste *paste) {
  if (!paste->text) return NULL;
  size_t end = is_whole(paste) ? paste->len - END_LENGTH : paste->len, len = 0;
  wchar_t before = 0;
  for (size_t i = 0; i < end; i++) {
    wchar_t c = paste->text[i];
    bool again = c == L'\n' && before == L'\r';
    before = c;
    if (c == L'\r') c = L'\n';
    if (!again && (c == L'\n' || c == L'\t' || !iswcntrl((wint_t)c))) paste->text[len++] = c;
  }
  while (len > 0 && paste->text[len - 1] == L'\n') len--;
  paste->text[len] = 0;
  paste->len = len;
  return paste->text;
}

void filo_paste_free(struct filo_paste *paste) {
  free(paste->text);
}
