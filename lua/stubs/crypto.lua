---@meta
---Digests, ciphers, identities. Strings are raw bytes unless said otherwise. A failure of the world returns nil and an
---error; a wrong argument raises.

---@class filo.core.crypto
local crypto = {}

---Incremental hashing. May be a `<close>` variable.
---@class filo.Hasher
local hasher = {}

---AES-256-CTR (NIST SP 800-38A) as a stream that can start anywhere. May be a `<close>` variable.
---@class filo.Ctr
local ctr = {}

---A node's seed, from which its Ed25519 key (RFC 8032) and those of its own namespace come. May be a `<close>` variable.
---@class filo.Identity
local identity = {}

---The keys to a namespace, as many as somebody has. May be a `<close>` variable.
---@class filo.Keys
local keys = {}

---@alias filo.digest "md5"|"sha1"|"sha256"|"blake3"

---Random bytes from the operating system.
---@param len integer 0 to 16777216
---@return string? bytes
---@return filo.Error? err
function crypto.random(len) end

---Compares in a time that does not tell where the difference is.
---@param a string
---@param b string
---@return boolean
function crypto.equal(a, b) end

---Bytes as hexadecimal digits.
---@param bytes string
---@return string digits lower case
function crypto.hex(bytes) end

---The bytes that hexadecimal digits stand for.
---@param digits string in either case
---@return string? bytes
---@return filo.Error? err
function crypto.unhex(digits) end

---A text in Base64 (RFC 4648, section 4), with its padding.
---@param bytes string
---@return string text
function crypto.base64(bytes) end

---The bytes of a text in Base64 (RFC 4648, section 4), with its padding.
---@param text string
---@return string? bytes nil for what is none
function crypto.unbase64(text) end

---The hash of a text.
---@param name filo.digest
---@param data string
---@return string? hash
---@return filo.Error? err
function crypto.digest(name, data) end

---Hashes what comes in pieces.
---@param name filo.digest
---@return filo.Hasher? hasher
---@return filo.Error? err
function crypto.hasher(name) end

---RFC 2104 with SHA-256.
---@param key string
---@param data string
---@return string? mac 32 bytes
---@return filo.Error? err
function crypto.hmac_sha256(key, data) end

---RFC 5869 with SHA-256.
---@param secret string
---@param salt? string
---@param info string
---@param len integer 1 to 8160
---@return string? bytes
---@return filo.Error? err
function crypto.hkdf_sha256(secret, salt, info, len) end

---Encrypts or decrypts from any place on.
---@param key string 32 bytes
---@param iv string 16 bytes: the initial counter block
---@param offset? integer the byte of the stream to start at
---@return filo.Ctr? ctr
---@return filo.Error? err
function crypto.ctr(key, iv, offset) end

---Encrypts and authenticates with AES-256-GCM under a random nonce.
---@param key string 32 bytes
---@param plain string
---@param ad? string associated data: authenticated, not stored
---@return string? sealed 28 bytes longer
---@return filo.Error? err
function crypto.aead_seal(key, plain, ad) end

---Decrypts what aead_seal made, if nobody has changed it.
---@param key string 32 bytes
---@param sealed string
---@param ad? string
---@return string? plain
---@return filo.Error? err its code is "corrupt" when the bytes, the key or the associated data are not the sealed ones
function crypto.aead_open(key, sealed, ad) end

---A new identity.
---@return filo.Identity? identity
---@return filo.Error? err
function crypto.identity_generate() end

---The identity that comes from a seed.
---@param seed string 32 bytes
---@return filo.Identity? identity
---@return filo.Error? err
function crypto.identity_from_seed(seed) end

---The identity in a file.
---@param path string
---@return filo.Identity? identity
---@return filo.Error? err "not_found", "denied" (others may read the file) or "corrupt"
function crypto.identity_load(path) end

---The keys to a namespace, as many as capabilities give.
---@param lines string capabilities of one namespace, one in each line
---@return filo.Keys? keys
---@return filo.Error? err "invalid": none, or of several namespaces; "corrupt": mistyped or cut; "unsupported": of an unknown kind
function crypto.namespace(lines) end

---The same from files of mode 0600.
---@param path string
---@param ... string more of them
---@return filo.Keys? keys
---@return filo.Error? err also "not_found", "denied" (others may read a file) and "too_large" (1 MiB in all)
function crypto.namespace_load(path, ...) end

---Checks an Ed25519 signature. Never raises for strings: they may be a peer's.
---@param id string 64 hexadecimal digits or 32 bytes
---@param data string
---@param signature string
---@return true? valid
---@return filo.Error? err
function crypto.verify(id, data, signature) end

---Writes a new file that only its owner may read, flushed to disk; never replaces one.
---@param path string
---@param text string
---@return true?
---@return filo.Error? err "exists"
function crypto.write_private(path, text) end

---Takes in more bytes.
---@param data string
---@return filo.Hasher? self
---@return filo.Error? err
function hasher:update(data) end

---The hash of all that was given since the last finish.
---@return string? hash
---@return filo.Error? err
function hasher:finish() end

---Ends it.
function hasher:close() end

---Encrypts or decrypts the next bytes.
---@param bytes string
---@return string? bytes
---@return filo.Error? err
function ctr:crypt(bytes) end

---Goes on at another place.
---@param offset integer the byte of the stream to go on with
---@return filo.Ctr? self
---@return filo.Error? err
function ctr:seek(offset) end

---Ends it.
function ctr:close() end

---The node ID: the public key.
---@return string id 64 hexadecimal digits
function identity:id() end

---The node ID as bytes.
---@return string id 32 bytes
function identity:raw_id() end

---Signs with Ed25519.
---@param data string
---@return string? signature 64 bytes
---@return filo.Error? err
function identity:sign(data) end

---The seed, from which all its keys come: a secret that is worth as much as the identity.
---@return string seed 32 bytes
function identity:seed() end

---All keys to its own namespace.
---@return filo.Keys? keys
---@return filo.Error? err
function identity:namespace() end

---Writes a new file that only its owner may read; never replaces one.
---@param path string
---@return filo.Identity? self
---@return filo.Error? err
function identity:save(path) end

---Forgets the secrets.
function identity:close() end

---The namespace ID.
---@return string id 64 hexadecimal digits
function keys:id() end

---The namespace ID as bytes.
---@return string id 32 bytes
function keys:raw_id() end

---The most that can be done with them.
---@return "keep"|"read-one"|"read"|"write"
function keys:access() end

---What stands for an object's key at peers.
---@param key string
---@return string? hash 32 bytes
---@return filo.Error? err "denied": only single objects can be read, and not this one
function keys:key_hash(key) end

---Signs with the namespace key (Ed25519).
---@param data string
---@return string? signature 64 bytes
---@return filo.Error? err "denied": they do not write
function keys:sign(data) end

---The largest generation that was given to who does not write: of all, and of the object with that hash.
---@param key_hash? string 32 bytes
---@return integer
function keys:newest(key_hash) end

---A capability to be given away, as one line of text. It is a secret, but for "keep".
---@param access "keep"|"read-one"|"read"|"write"
---@param generation? integer 0 to 4294967295: of what it opens; 0 by default
---@param key? string the object's, for "read-one"
---@return string? line
---@return filo.Error? err "denied": what is not to be had cannot be given away
function keys:grant(access, generation, key) end

---Forgets the secrets.
function keys:close() end

return crypto
