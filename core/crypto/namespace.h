/* The keys to a namespace: the objects that one person, or several, name and read together.
 *
 *     namespace seed          a node's own comes from its identity
 *      |- namespace key       info "filo namespace key v2": an Ed25519 private key (RFC 8032), which
 *      |                      signs records; its public key is the namespace ID
 *      |- name key            info "filo name v2": hides the users' keys
 *      `- secret of a generation   info "filo secret v2" || generation (u32)
 *          `- object key      info "filo object v2" || key hash: seals the metadata of one object
 *
 * each by HKDF-SHA-256 from the one above. Who has an object key reads that object, and its later
 * versions in that generation; who has the secret reads all that is of that generation; who has the
 * seed can do all. A new generation so shuts out who was only given a secret or an object key.
 *
 * The keys are made of capabilities (capability.h), immutable once made, and may be used on any
 * thread; the last unref cleanses them. They are never printed.
 */
#ifndef FILO_CRYPTO_NAMESPACE_H
#define FILO_CRYPTO_NAMESPACE_H

#include "crypto/capability.h"
#include "crypto/identity.h"

struct filo_namespace;

/* What `count` capabilities of one namespace come to, 1 or more. FILO_INVALID: of several. */
int filo_namespace_new(const struct filo_capability *capabilities, size_t count,
                       struct filo_namespace **ret, struct filo_error *err);

/* All of a node's own namespace. */
int filo_namespace_of_identity(const struct filo_identity *identity, struct filo_namespace **ret,
                               struct filo_error *err);

struct filo_namespace *filo_namespace_ref(struct filo_namespace *ns);
void filo_namespace_unref(struct filo_namespace *ns);

/* Valid as long as the keys. */
const unsigned char *filo_namespace_id(const struct filo_namespace *ns);

/* The most that can be done. */
enum filo_access filo_namespace_access(const struct filo_namespace *ns);

enum { FILO_PRINT_SIZE = 16 };

/* The same for keys that open the same, and tells nothing of them. */
void filo_namespace_print(const struct filo_namespace *ns, unsigned char out[FILO_PRINT_SIZE]);

/* What stands for a user's key: HMAC-SHA-256(name key, key), or the hash in the capability for that
 * very key. FILO_DENIED: there is neither. */
int filo_namespace_key_hash(const struct filo_namespace *ns, const void *key, size_t len,
                            unsigned char out[32], struct filo_error *err);

/* The largest generation that was given to who does not write: of all, and of the object with that hash,
 * unless it is NULL. */
uint32_t filo_namespace_newest(const struct filo_namespace *ns, const unsigned char *key_hash);

/* FILO_DENIED: of an object, or a generation, that cannot be read. The caller cleanses it. */
int filo_namespace_object_key(const struct filo_namespace *ns, const unsigned char key_hash[32],
                              uint32_t generation, unsigned char out[FILO_SECRET_SIZE],
                              struct filo_error *err);

/* FILO_DENIED: cannot be written. */
int filo_namespace_sign(const struct filo_namespace *ns, const void *data, size_t len,
                        unsigned char signature[FILO_SIGNATURE_SIZE], struct filo_error *err);

/* A capability to be given away. `access` says which, `generation` of what it opens; FILO_READS_ONE: to
 * the object of a user's key. FILO_DENIED: what is given away is not to be had here. The caller
 * cleanses *ret. */
int filo_namespace_grant(const struct filo_namespace *ns, enum filo_access access,
                         uint32_t generation, const void *key, size_t key_len,
                         struct filo_capability *ret, struct filo_error *err);

#endif
