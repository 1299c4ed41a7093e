#include "terminal/editor.h"

#include <errno.h>
#include <histedit.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <wctype.h>

#include "terminal/fiber.h"
#include "terminal/history.h"
#include "terminal/paste.h"
#include "terminal/streams.h"

enum { INPUT_SIZE = 4096, REPLACEMENT = 0xfffd, TAB_STOP = 8 };

struct filo_editor {
  EditLine *el;
  struct filo_history *history;
  struct filo_fiber *fiber;
  struct event *readable;
  struct filo_editor_calls calls;
  void *ctx;
  locale_t locale; /* for libedit only: the process's stays what it was */
  FILE *screen;    /* stdout as it was */
  struct termios before;

  char input[INPUT_SIZE]; /* typed, not yet given to libedit */
  size_t input_len;
  bool input_ended;

  char *prompt, *line;
  enum filo_editor_end end;
  bool dropped;     /* what is being edited is to end */
  bool misdrawn;    /* libedit has the cursor elsewhere than the terminal */
  bool completing;  /* the fiber waits for an answer */
  char *completion; /* the answer */

  char *held; /* the beginning of a line that was written while another one was edited */
  size_t held_len;
  bool mid_line; /* the terminal's cursor is not at the left */
};

static struct filo_editor *open_editor; /* for when the process exits without closing it */

static bool is_editing(const struct filo_editor *editor) {
  return filo_fiber_under_way(editor->fiber);
}

/* --- What lies on the screen --- */

unsigned filo_editor_columns(const struct filo_editor *editor) {
  struct winsize size;
  (void)editor;
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

/* Where libedit has the cursor after c, counted from the beginning of the prompt. */
static unsigned after(unsigned at, wchar_t c, unsigned columns) {
  unsigned column = at % columns, left = columns - column;
  unsigned width = TAB_STOP - column % TAB_STOP;
  if (c == L'\t') return at + (width < left ? width : left);
  if (c == L'\n') return at + left;
  if (iswcntrl((wint_t)c)) return at + 2;                     /* ^X */
  if (!iswprint((wint_t)c)) return at + (c > 0xffff ? 8 : 7); /* \U+XXXX */
  width = wcwidth(c) > 0 ? (unsigned)wcwidth(c) : 0;
  return at + (width > left ? left : 0) + width;
}

static unsigned cursor_row(const struct filo_editor *editor) {
  unsigned columns = filo_editor_columns(editor), at = 0;
  mbstate_t state = {0};
  wchar_t c;
  size_t left = strlen(editor->prompt), len;
  for (const char *p = editor->prompt; left > 0; p += len, left -= len) {
    len = mbrtowc(&c, p, left, &state);
    if (len == 0 || len > left) break;
    at = after(at, c, columns);
  }
  const LineInfoW *line = el_wline(editor->el);
  for (const wchar_t *p = line->buffer; p < line->cursor; p++) at = after(at, *p, columns);
  return at / columns;
}

static bool can_erase(const struct filo_editor *editor) {
  char *clear = NULL;
  el_get(editor->el, EL_GETTC, "cd", &clear, NULL);
  return clear && strncmp(clear, "\033[", 2) == 0;
}

/* Takes prompt and line off the screen; the cursor is where they were. */
static void hide(struct filo_editor *editor) {
  locale_t outside = uselocale(editor->locale);
  unsigned row = cursor_row(editor);
  if (!can_erase(editor))
    fputs("\n", editor->screen);
  else if (row > 0)
    fprintf(editor->screen, "\r\033[%uA\033[J", row);
  else
    fputs("\r\033[J", editor->screen);
  fflush(editor->screen);
  uselocale(outside);
}

static void show(struct filo_editor *editor) {
  locale_t outside = uselocale(editor->locale);
  el_set(editor->el, EL_REFRESH);
  uselocale(outside);
}

/* libedit gives a character of no width, such as an accent that combines, a column where it is
 * typed and none when it draws the line anew, where it leaves it out: that, at least, is the same
 * on both sides. */
static void redraw(struct filo_editor *editor) {
  hide(editor);
  show(editor);
  editor->misdrawn = false;
}

static void put(struct filo_editor *editor, FILE *to, const char *bytes, size_t len) {
  if (len == 0) return;
  fwrite(bytes, 1, len, to);
  fflush(to);
  editor->mid_line = bytes[len - 1] != '\n';
}

static void put_held(struct filo_editor *editor) {
  put(editor, editor->screen, editor->held, editor->held_len);
  free(editor->held);
  editor->held = NULL;
  editor->held_len = 0;
}

static void hold(struct filo_editor *editor, const char *bytes, size_t len) {
  char *held = len ? realloc(editor->held, editor->held_len + len) : NULL;
  if (!held) return;
  memcpy(held + editor->held_len, bytes, len);
  editor->held = held;
  editor->held_len += len;
}

/* What the process writes: while a line is edited, above it, in whole lines. */
static void on_write(void *ctx, FILE *to, const char *bytes, size_t len) {
  struct filo_editor *editor = ctx;
  if (!is_editing(editor)) {
    put(editor, to, bytes, len);
    return;
  }
  const char *newline = memrchr(bytes, '\n', len);
  size_t whole = newline ? (size_t)(newline + 1 - bytes) : 0;
  if (whole > 0) {
    hide(editor);
    put_held(editor);
    put(editor, editor->screen, bytes, whole);
    show(editor);
  }
  hold(editor, bytes + whole, len - whole);
}

/* --- What libedit calls, on the fiber --- */

static struct filo_editor *editor_of(EditLine *el) {
  void *editor = NULL;
  el_get(el, EL_CLIENTDATA, &editor);
  return editor;
}

static char *give_prompt(EditLine *el) {
  return editor_of(el)->prompt;
}

/* The next whole character of the input: its length, 0 when there is none yet. */
static size_t next_char(struct filo_editor *editor, wchar_t *ret) {
  mbstate_t state = {0};
  if (editor->input_len == 0) return 0;
  size_t len = mbrtowc(ret, editor->input, editor->input_len, &state);
  if (len == (size_t)-2 && !editor->input_ended) return 0;
  if (len == (size_t)-2 || len == (size_t)-1) *ret = REPLACEMENT;
  return len == 0 || len > editor->input_len ? 1 : len;
}

static int get_char(EditLine *el, wchar_t *ret) {
  struct filo_editor *editor = editor_of(el);
  size_t len;
  while (!editor->dropped && (len = next_char(editor, ret)) == 0 && !editor->input_ended)
    filo_fiber_pause(editor->fiber);
  if (editor->dropped) return -1;
  if (len == 0) return 0;
  if (wcwidth(*ret) == 0) editor->misdrawn = true;
  editor->input_len -= len;
  memmove(editor->input, editor->input + len, editor->input_len);
  return 1;
}

static bool only_blanks(const LineInfo *line) {
  for (const char *p = line->buffer; p < line->cursor; p++)
    if (*p != ' ' && *p != '\t') return false;
  return true;
}

/* A tab that is followed by more at once was pasted. */
static unsigned char on_tab(EditLine *el, int key) {
  struct filo_editor *editor = editor_of(el);
  (void)key;
  if (editor->input_len > 0 || only_blanks(el_line(el))) {
    el_insertstr(el, "\t");
    return CC_REFRESH;
  }
  editor->completing = true;
  filo_fiber_pause(editor->fiber);
  editor->completing = false;
  if (editor->dropped) return CC_NORM;
  if (editor->completion) el_insertstr(el, editor->completion);
  free(editor->completion);
  editor->completion = NULL;
  return CC_REFRESH;
}

/* What is pasted becomes part of the line, newlines and all. */
static unsigned char on_paste(EditLine *el, int key) {
  struct filo_paste paste = {0};
  wchar_t c;
  (void)key;
  while (get_char(el, &c) > 0 && filo_paste_add(&paste, c))
    ;
  const wchar_t *text = filo_paste_text(&paste);
  if (text) el_winsertstr(el, text);
  filo_paste_free(&paste);
  return CC_REFRESH;
}

static void set_raw(struct filo_editor *editor, bool raw) {
  if (can_erase(editor)) fputs(raw ? FILO_PASTE_ON : FILO_PASTE_OFF, editor->screen);
  fflush(editor->screen);
  el_set(editor->el, EL_PREP_TERM, raw ? 1 : 0);
}

/* The whole of the fiber. */
static void edit(void *arg) {
  struct filo_editor *editor = arg;
  int len = 0;
  set_raw(editor, true); /* before the prompt: nothing is echoed after it */
  const char *line = el_gets(editor->el, &len);
  if (line && len > 0) editor->line = strndup(line, (size_t)len - (line[len - 1] == '\n'));
}

/* --- Reading a line --- */

/* What is typed until the answer stays in the terminal. */
static void ask(struct filo_editor *editor) {
  locale_t outside = uselocale(editor->locale);
  const LineInfo *at = el_line(editor->el);
  char *text = strndup(at->buffer, (size_t)(at->cursor - at->buffer));
  uselocale(outside);
  event_del(editor->readable);
  if (text)
    editor->calls.complete(editor->ctx, text);
  else
    filo_editor_answer(editor, "");
  free(text);
}

static void end(struct filo_editor *editor) {
  event_del(editor->readable);
  editor->end = editor->dropped ? FILO_EDITOR_DROPPED
                : editor->line  ? FILO_EDITOR_LINE
                                : FILO_EDITOR_EOF;
  if (editor->end != FILO_EDITOR_LINE) put(editor, editor->screen, "\n", 1);
  if (can_erase(editor)) fputs(FILO_PASTE_OFF, editor->screen);
  fflush(editor->screen);
  put_held(editor);
  editor->calls.ended(editor->ctx);
}

static void run(struct filo_editor *editor, bool start) {
  locale_t outside = uselocale(editor->locale);
  if (start)
    filo_fiber_start(editor->fiber, edit, editor);
  else
    filo_fiber_resume(editor->fiber);
  uselocale(outside);
  if (!is_editing(editor)) {
    end(editor);
    return;
  }
  if (editor->misdrawn) redraw(editor);
  if (editor->completing) ask(editor);
}

void filo_editor_answer(struct filo_editor *editor, const char *text) {
  if (!editor->completing) return;
  editor->completion = strdup(text);
  event_add(editor->readable, NULL);
  run(editor, false);
}

static void on_readable(evutil_socket_t fd, short what, void *arg) {
  struct filo_editor *editor = arg;
  (void)what;
  ssize_t len = read(fd, editor->input + editor->input_len, INPUT_SIZE - editor->input_len);
  int failed = len < 0 ? errno : 0;
  if (failed == EINTR || failed == EAGAIN) return;
  if (len <= 0) editor->input_ended = true; /* the terminal is gone */
  if (len > 0) editor->input_len += (size_t)len;
  run(editor, false);
}

int filo_editor_read(struct filo_editor *editor, const char *prompt, struct filo_error *err) {
  if (is_editing(editor)) return filo_fail(err, FILO_BUSY, "a line is being edited already");
  char *copy = strdup(prompt);
  if (!copy || event_add(editor->readable, NULL) < 0) {
    free(copy);
    return filo_fail(err, FILO_NO_MEMORY, "no memory for the prompt");
  }
  free(editor->prompt);
  free(editor->line);
  editor->prompt = copy;
  editor->line = NULL;
  editor->dropped = editor->misdrawn = false;
  fflush(stdout);
  if (editor->mid_line) put(editor, editor->screen, "\n", 1);
  run(editor, true);
  return 0;
}

enum filo_editor_end filo_editor_take(struct filo_editor *editor, char **ret) {
  if (editor->end == FILO_EDITOR_LINE) *ret = editor->line;
  editor->line = NULL;
  return editor->end;
}

void filo_editor_drop(struct filo_editor *editor, bool shown) {
  if (!is_editing(editor)) return;
  if (shown) {
    hide(editor);
    el_cursor(editor->el, INPUT_SIZE * INPUT_SIZE);
    show(editor);
    fputs("^C", editor->screen);
  }
  editor->input_len = 0;
  editor->dropped = true;
  run(editor, false);
}

/* --- The terminal --- */

void filo_editor_resize(struct filo_editor *editor) {
  if (!is_editing(editor)) return;
  hide(editor);
  el_resize(editor->el);
  show(editor);
}

void filo_editor_stop(struct filo_editor *editor) {
  struct sigaction before, standard = {.sa_handler = SIG_DFL};
  bool editing = is_editing(editor);
  if (editing) {
    hide(editor);
    set_raw(editor, false);
  }
  sigaction(SIGTSTP, &standard, &before);
  raise(SIGTSTP);
  sigaction(SIGTSTP, &before, NULL);
  if (!editing) return;
  set_raw(editor, true);
  el_resize(editor->el);
  show(editor);
}

static void restore_at_exit(void) {
  if (!open_editor) return;
  filo_streams_give_back();
  if (!is_editing(open_editor)) return;
  fputs("\n", open_editor->screen);
  if (can_erase(open_editor)) fputs(FILO_PASTE_OFF, open_editor->screen);
  tcsetattr(STDIN_FILENO, TCSADRAIN, &open_editor->before);
}

/* --- History --- */

int filo_editor_load_history(struct filo_editor *editor, const char *path, struct filo_error *err) {
  locale_t outside = uselocale(editor->locale);
  int code = filo_history_load(editor->history, path, err);
  uselocale(outside);
  return code;
}

void filo_editor_add_history(struct filo_editor *editor, const char *line) {
  filo_history_add(editor->history, line);
}

/* --- Making --- */

/* The user's, if it is for UTF-8: what else a terminal speaks is a matter of the past. */
static locale_t utf8_locale(void) {
  locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);
  if (locale && strcmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0) return locale;
  if (locale) freelocale(locale);
  return newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

/* The user's ~/.editrc comes before what the prompt cannot do without. */
static void bind_keys(EditLine *el) {
  static const char *const keys[][2] = {
      {"^R", "em-inc-search-prev"}, {"\\e[3~", "ed-delete-next-char"},
      {"\\e[H", "ed-move-to-beg"},  {"\\e[F", "ed-move-to-end"},
      {"\\e[1~", "ed-move-to-beg"}, {"\\e[4~", "ed-move-to-end"},
      {"\\e[1;5C", "em-next-word"}, {"\\e[1;5D", "ed-prev-word"},
      {"^I", "filo-complete"},      {FILO_PASTE_BEGIN, "filo-paste"}};
  el_set(el, EL_EDITOR, "emacs");
  el_wset(el, EL_ADDFN, L"filo-complete", L"complete the name before the cursor", on_tab);
  el_wset(el, EL_ADDFN, L"filo-paste", L"insert what is pasted", on_paste);
  el_source(el, NULL);
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
    el_set(el, EL_BIND, keys[i][0], keys[i][1], NULL);
}

static int open_libedit(struct filo_editor *editor, struct filo_error *err) {
  editor->screen = stdout;
  editor->el = el_init("filo", stdin, stdout, stderr);
  if (!editor->el) return filo_fail(err, FILO_IO, "cannot use the terminal to edit lines");
  el_set(editor->el, EL_CLIENTDATA, editor);
  el_set(editor->el, EL_PROMPT, give_prompt);
  el_set(editor->el, EL_GETCFN, get_char);
  el_set(editor->el, EL_SIGNAL, 0);
  el_set(editor->el, EL_HIST, history, filo_history_lines(editor->history));
  bind_keys(editor->el);
  return 0;
}

static int set_up(struct filo_editor *editor, struct event_base *base, struct filo_error *err) {
  if (tcgetattr(STDIN_FILENO, &editor->before) < 0)
    return filo_fail_errno(err, errno, "standard input is no terminal");
  editor->locale = utf8_locale();
  editor->readable = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_readable, editor);
  if (!editor->locale || !editor->readable)
    return filo_fail(err, FILO_NO_MEMORY, "no memory to edit lines");
  int code = filo_fiber_new(&editor->fiber, err);
  if (code == 0) code = filo_history_new(&editor->history, err);
  if (code < 0) return code;
  locale_t outside = uselocale(editor->locale);
  code = open_libedit(editor, err);
  uselocale(outside);
  return code < 0 ? code : filo_streams_take(on_write, editor, err);
}

int filo_editor_new(struct event_base *base, const struct filo_editor_calls *calls, void *ctx,
                    struct filo_editor **ret, struct filo_error *err) {
  static bool registered;
  if (open_editor) return filo_fail(err, FILO_BUSY, "a line editor is open already");
  if (!registered) registered = atexit(restore_at_exit) == 0;
  struct filo_editor *editor = calloc(1, sizeof *editor);
  if (!editor) return filo_fail(err, FILO_NO_MEMORY, "no memory to edit lines");
  editor->calls = *calls;
  editor->ctx = ctx;
  int code = set_up(editor, base, err);
  if (code < 0) {
    filo_editor_free(editor);
    return code;
  }
  open_editor = editor;
  *ret = editor;
  return 0;
}

static void ignore_end(void *ctx) {
  (void)ctx;
}

void filo_editor_free(struct filo_editor *editor) {
  if (!editor) return;
  editor->calls.ended = ignore_end;
  if (editor->fiber) filo_editor_drop(editor, false);
  open_editor = NULL;
  filo_streams_give_back();
  locale_t outside = editor->locale ? uselocale(editor->locale) : NULL;
  if (editor->el) el_end(editor->el);
  if (outside) uselocale(outside);
  filo_history_free(editor->history);
  filo_fiber_free(editor->fiber);
  if (editor->readable) event_free(editor->readable);
  if (editor->locale) freelocale(editor->locale);
  free(editor->prompt);
  free(editor->line);
  free(editor->held);
  free(editor);
}
