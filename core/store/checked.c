/* Sets of some places each: what comes takes the place of the oldest of its set. With sixteen in a set few
 * overflow before nearly all places are taken. */
#include "store/checked.h"

#include <blake3.h>
#include <pthread.h>
#include <string.h>

#include "bytes.h"
#include "crypto/random.h"

enum { SETS = 1024, PLACES = 16 };

static struct {
  pthread_once_t once;
  pthread_mutex_t lock;
  bool has_key;
  unsigned char key[BLAKE3_KEY_LEN];
  unsigned char tags[SETS][PLACES][FILO_CHECKED_SIZE];
  unsigned char next[SETS];
} memory = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER};

static void draw_key(void) {
  memory.has_key = filo_random(memory.key, sizeof memory.key, NULL) == 0;
}

bool filo_checked_tag(const unsigned char *record, size_t len,
                      unsigned char out[FILO_CHECKED_SIZE]) {
  pthread_once(&memory.once, draw_key);
  if (!memory.has_key) return false;
  blake3_hasher hasher;
  blake3_hasher_init_keyed(&hasher, memory.key);
  blake3_hasher_update(&hasher, record, len);
  blake3_hasher_finalize(&hasher, out, FILO_CHECKED_SIZE);
  return true;
}

static bool find(const unsigned char set[PLACES][FILO_CHECKED_SIZE],
                 const unsigned char tag[FILO_CHECKED_SIZE]) {
  for (int i = 0; i < PLACES; i++)
    if (memcmp(set[i], tag, FILO_CHECKED_SIZE) == 0) return true;
  return false;
}

bool filo_checked_has(const unsigned char tag[FILO_CHECKED_SIZE]) {
  unsigned set = filo_get_le32(tag) % SETS;
  pthread_mutex_lock(&memory.lock);
  bool found = find(memory.tags[set], tag);
  pthread_mutex_unlock(&memory.lock);
  return found;
}

void filo_checked_add(const unsigned char tag[FILO_CHECKED_SIZE]) {
  unsigned set = filo_get_le32(tag) % SETS;
  pthread_mutex_lock(&memory.lock);
  if (!find(memory.tags[set], tag)) {
    memcpy(memory.tags[set][memory.next[set]], tag, FILO_CHECKED_SIZE);
    memory.next[set] = (memory.next[set] + 1) % PLACES;
  }
  pthread_mutex_unlock(&memory.lock);
}
