---@meta
---What filo.core.store gives. Hashes, namespaces, keys and records are raw bytes. A failure returns nil and an error; a
---wrong argument raises. Each of these may be a `<close>` variable.

---An open root. It closes when this is closed and all that came from it.
---@class filo.core.Store
local store = {}

---A published object, open: its file stays readable though a newer version replaces it.
---@class filo.core.Object
local object = {}

---A copy on its way in: verified as it lands, published when whole.
---@class filo.core.Partial
local partial = {}

---Content on its way into the store.
---@class filo.core.Deposit
local deposit = {}

---The content of an object or of a partial, in order, verified before it is decrypted.
---@class filo.core.Reader
local reader = {}

---A walk over the objects of a store.
---@class filo.core.Walk
local walk = {}

function store:close() end

---Waits until nothing that came from it is open or at work, and keeps the root. One task at a time.
---@param seconds? number
---@return true?
---@return filo.Error? err "timeout"; "closed" when it is closed meanwhile
function store:wait_idle(seconds) end

---@param namespace string
---@param path string
---@param at_once? boolean  "busy" instead of waiting for a worker, which looks where the system would have to wait for the disk
---@return filo.core.Fields? fields
---@return string|filo.Error record
function store:stat(namespace, path, at_once) end

---Removes an object's file.
---@param namespace string
---@param path string
---@param version? integer only this one: "exists" when there is a newer one
---@param keep? boolean it goes to the trash, if there is room
---@return true?
---@return filo.Error? err
function store:remove(namespace, path, version, keep) end

---A copy that is out of its place, and not gone at once: in the trash, or a version that is kept.
---@class filo.core.Old
---@field namespace string
---@field key_hash string
---@field version integer
---@field size integer bytes of content
---@field time integer when it came there, in seconds since 1970
---@field class integer
---@field why "dropped"|"deleted"|"replaced" this node wanted no copy any more; a deletion, or another version, took its place

---Those whose key hash begins with this byte, in no order.
---@param kind "trash"|"versions"
---@param bucket integer 0 to 255
---@return filo.core.Old[]? list
---@return filo.Error? err
function store:old(kind, bucket) end

---The same of those of one object.
---@param kind "trash"|"versions"
---@param namespace string
---@param key_hash string
---@return filo.core.Old[]? list
---@return filo.Error? err
function store:old_of(kind, namespace, key_hash) end

---How many there are, and their bytes: since the last sweep, and before one perhaps fewer.
---@param kind "trash"|"versions"
---@return integer count
---@return integer bytes
function store:old_usage(kind) end

---How many versions are kept of each namespace, and their bytes, counted now.
---@return {namespace: string, objects: integer, bytes: integer}[]? list
---@return filo.Error? err
function store:old_owners() end

---The oldest versions of a namespace go, until so many bytes have.
---@param namespace string
---@param bytes integer
---@return integer gone
function store:yield_versions(namespace, bytes) end

---How many versions are kept from now on of an object of a namespace.
---@param namespace string
---@param text? string a byte for each class; nil: that is not known, so that none is added and none goes
---@return true?
---@return filo.Error? err
function store:keep_versions(namespace, text) end

---Opens one. It does not go before it is closed.
---@param old filo.core.Old
---@return filo.core.Object? object
---@return filo.Error? err "not_found"
function store:old_object(old) end

---Moves one back to a path, where nothing may lie that is as new.
---@param old filo.core.Old
---@param path string
---@return true?
---@return filo.Error? err "exists", "not_found"
function store:restore(old, path) end

---That version goes from among these, unless it is open.
---@param old filo.core.Old
---@return true?
---@return filo.Error? err
function store:forget_old(old) end

---Those go that lie in the trash for so long, and versions that are more than are kept.
---@param seconds integer
---@return true?
---@return filo.Error? err
function store:sweep_old(seconds) end

---Whether what deletions of a namespace take the place of goes to the trash from now on.
---@param namespace string
---@param keeps boolean
---@return true?
---@return filo.Error? err
function store:keep_deleted(namespace, keeps) end

---Moves an object's file away to the folder of bad copies, where it stays until a good one of that version, or a newer one, is published.
---@param namespace string
---@param path string
---@param key_hash? string which version of what it should be; when left out, its record is read
---@param version? integer
---@return true?
---@return filo.Error? err
function store:set_aside(namespace, path, key_hash, version) end

---Bytes that may be written, those in the trash among them, beyond the reserve and what is promised to copies on their way in, and all
---bytes of the disk.
---@return integer? free
---@return integer|filo.Error total
function store:space() end

---How many copies were set aside and are still there, and the bytes of the disk that they take.
---@return integer? count
---@return integer|filo.Error bytes
function store:bad() end

---What these are, in no order, but for those of which that is not known.
---@param most integer no more than so many
---@return {namespace: string, key_hash: string, version: integer}[]? list
---@return filo.Error? err
function store:bad_copies(most) end

---Keeps a note of the node's own in the root, in the place of the one with that name. A power cut may lose it.
---@param name string of small letters
---@param bytes string
---@return true?
---@return filo.Error? err
function store:write_note(name, bytes) end

---@param name string
---@return string? bytes 64 KiB at most
---@return filo.Error? err "not_found"
function store:read_note(name) end

---Removes what is kept of copies that came in part and that nobody has come for in 7 days.
---@return true?
---@return filo.Error? err
function store:sweep() end

---Packs deletions: what is a tombstone at some paths lies there as a row of a database from then on, which takes less room than a file.
---Nothing else changes. Whatever else lies there is passed over.
---@param namespace string
---@param paths string[]
---@return integer? packed  how many these were
---@return filo.Error? err
function store:pack(namespace, paths) end

---Notes, durably, that a node has taken a copy of an object of the store's owner.
---@param id string  32 bytes: its node ID
---@return true?
---@return filo.Error? err
function store:add_holder(id) end

---The nodes that were noted so, in no order.
---@param most integer  no more than so many
---@return string[]? ids  32 bytes each
---@return filo.Error? err
function store:holders(most) end

---What the root's marker says of where its objects lie; "" for nothing.
---@return string text
function store:layout() end

---Makes the marker say so. What was moved before is flushed first.
---@param text string a line of 1 to 200 bytes
---@return true?
---@return filo.Error? err
function store:set_layout(text) end

---Moves an object's file to another path, to be flushed by set_layout.
---@param namespace string
---@param from string
---@param to string
---@return true?
---@return filo.Error? err "exists" when something lies there
function store:move(namespace, from, to) end

---Begins a deposit.
---@param size? integer when it is known
---@param plain boolean not encrypted
---@param digest boolean compute the content's SHA-256, too
---@return filo.core.Deposit? deposit
---@return filo.Error? err
function store:deposit(size, plain, digest) end

---Begins a deposit of a file, of a pipe, or of standard input ("-"): finish waits until it is read.
---@param path string
---@param plain boolean
---@param digest boolean
---@param descriptor? filo.core.Descriptor the open file itself; path is then its name
---@return filo.core.Deposit? deposit
---@return filo.core.Seen|filo.Error|nil seen before a byte of it was read; nil: of a pipe, a device or a file of /proc
function store:deposit_file(path, plain, digest, descriptor) end

---Opens a partial, the file of a copy on its way in: a new one, or one that was begun before.
---@param path string
---@param record string
---@param body? string a small object whole: hashes, then ciphertext
---@param beside? boolean what lies there cannot be read: it is looked at again only when this is published
---@param trusted? boolean it comes from who has proved to write the namespace: its signature is checked when the copy is first read
---@param bringer? string 32 bytes: the node that brings it, which is noted with the copy
---@return filo.core.Partial? partial
---@return filo.Error? err "exists" when one as new is here, "busy" when it is being received already
function store:partial(path, record, body, beside, trusted, bringer) end

---Publishes a small object that has come whole: a partial with a body, and its `publish`, in one trip to a worker.
---@param path string
---@param record string
---@param body string hashes, then ciphertext
---@param beside? boolean as for partial
---@param trusted? boolean the same
---@param bringer? string the same
---@return true?
---@return filo.Error? err
function store:keep(path, record, body, beside, trusted, bringer) end

---A partial in an open file that lies elsewhere, for what the root has no room for: publishing turns the file into the content, for which
---the key must be set. Nothing is kept in the root.
---@param file filo.core.Descriptor|file*  empty; for reading and writing
---@param record string
---@return filo.core.Partial? partial
---@return filo.Error? err
function store:partial_outside(file, record) end

---Reads what describes a copy, and a small one whole, in one trip to a worker.
---@param namespace string 32 bytes
---@param path string
---@param most integer content bytes up to which the body is read: at most 1 MiB
---@param unsigned? boolean the signature is not verified: who is given the record does that
---@return table? fields
---@return string|filo.Error record
---@return string? body hashes, then ciphertext
---@return integer? verified seconds since 1970: when all of it was last hashed and found good; nil: not known, or changed since
---@return string? bringer the node that brought it; nil: the owner's own, or not known
function store:sealed(namespace, path, most, unsigned) end

---A small object that has come whole, to be read: it has no file. nil when its record was not verified in this process, or not lately.
---@param record string
---@param body string up to 64 KiB of content: hash, then ciphertext
---@return filo.core.Object? object
---@return filo.Error? err "corrupt" when the two do not match
function store:in_hand(record, body) end

---@param namespace? string all when left out
---@return filo.core.Walk? walk
---@return filo.Error? err
function store:walk(namespace) end

---Begins to open the catalogue of what lies here, which is told of all changes from now on. It keeps the store open until it is closed.
---@param ... filo.Keys to the namespaces whose objects have names in it
---@return filo.core.Catalogue? catalogue
---@return filo.Error? err
function store:catalogue(...) end

---@param namespace string
---@param path string
---@param afresh? boolean what is read comes from the disk, not from what the system remembers of it
---@return filo.core.Object? object
---@return filo.Error? err
function store:object(namespace, path, afresh) end

---Signs and publishes a deletion.
---@param keys filo.Keys that write
---@param version filo.core.Version
---@param path string
---@return string? record
---@return filo.Error? err
function store:tombstone(keys, version, path) end

---Publishes a version whose content lies at its path already, under an older record: the file is made anew with this record, within the
---disk. When its bytes were last verified stays what it was.
---@param path string
---@param record string
---@param over? string  the record that must be there, and still be when the other one takes its place (but at `from`)
---@param trusted? boolean  as for `partial`
---@param from? string|filo.core.Old  the path of another object, or an old copy, whose content it is
---@param bringer? string  as for `partial`; who brought the content, when left out
---@return true?
---@return filo.Error? err  "not_found": that content does not lie there, or is bad; "exists": a version no older does, or not `over`
function store:rewrap(path, record, over, trusted, from, bringer) end

---@return filo.core.Fields
function object:fields() end

---@return string
function object:record() end

---For readers made afterwards.
---@param key string 32 bytes: the content key
function object:set_key(key) end

---Sets the content key that is sealed in its record, and gives the metadata beside it.
---@param namespace filo.core.Keys
---@return string? metadata
---@return filo.Error? err
function object:unseal(namespace) end

---All content of a small object, verified; nil when a disk would have to be waited for, or something is wrong: the reader tells what.
---@return string?
function object:content() end

---@param chunk integer from 0 on
---@return true?
---@return filo.Error? err
function object:verify_chunk(chunk) end

---The same, and the BLAKE3 of its bytes under a key, which tells who has the same bytes that they were read.
---@param chunk integer
---@param key string 32 bytes
---@return string? hash
---@return filo.Error? err
function object:prove_chunk(chunk, key) end

---Whether a file has the bytes of a chunk, at its place. An encrypted object needs its key.
---@param chunk integer from 0 on
---@param file filo.core.Descriptor
---@return boolean?
---@return filo.Error? err
function object:compare_chunk(chunk, file) end

---Moves the very file that this object has open to the root's `bad` folder; `exists` when a newer version took its place.
---@param path string
---@return true?
---@return filo.Error? err
function object:set_aside(path) end

---Notes that every chunk was found good just now; not in a store that is open for reading only.
function object:mark_verified() end

---Reads content from offset up to, not with, stop.
---@param offset? integer from 0 on
---@param stop? integer the size when left out
---@return filo.core.Reader? reader
---@return filo.Error? err
function object:reader(offset, stop) end

---Another handle on the same open file, to be closed on its own.
---@return filo.core.Object
function object:share() end

function object:close() end

---@return filo.core.Fields
function partial:fields() end

---Whether the chunk hashes are here.
---@return boolean
function partial:has_hashes() end

---@param chunk integer
---@return boolean
function partial:has(chunk) end

---The first chunk that is not here; the number of chunks when all are.
---@param from? integer
---@return integer
function partial:missing(from) end

---@param key string 32 bytes: the content key
function partial:set_key(key) end

---As object:reader; waits for chunks that are not here yet.
---@param offset? integer
---@param stop? integer
---@return filo.core.Reader? reader
---@return filo.Error? err
function partial:reader(offset, stop) end

---Makes the whole copy the object at its path.
---@return true?
---@return filo.Error? err
function partial:publish() end

---Gives readers this error after what is here.
---@param code string
---@param message string
function partial:fail(code, message) end

---Another handle on the same partial, to be closed on its own.
---@return userdata
function partial:share() end

---After `fail`: chunks will come again.
function partial:retry() end

function partial:close() end

---Waits while all buffers are in use.
---@param bytes string
---@return true?
---@return filo.Error? err
function deposit:write(bytes) end

---Between writes, or instead: all that is left of the body of the request that has come last, or of what passes a sieve, or that a reader
---gives, which is closed by it. Waits until that is taken. A source that fails is the deposit's failure.
---@param source filo.core.Http|filo.core.Sieve|filo.core.Reader
---@return true?
---@return filo.Error? err
---@return boolean? failed  it is the source that failed
function deposit:pull(source) end

---After the last write: waits until all is sealed.
---@return integer? size
---@return string|filo.Error|nil digest SHA-256 of the content, when asked for
function deposit:finish() end

---Signs the record and publishes the object.
---@param keys filo.Keys that write
---@param version filo.core.Version
---@param path string
---@param fresh? boolean  only where nothing lies at the path: else it gives false, nothing was done, and it may be published after all
---@return string|false|nil record
---@return string|filo.Error|nil body of up to 64 KiB whose size was known: hash, then ciphertext, as store:sealed gives them
function deposit:publish(keys, version, path, fresh) end

---Content bytes so far.
---@return integer
function deposit:progress() end

---What the file looks like now, as `deposit_file` gave it; nil: that says nothing of it.
---@return filo.core.Seen?
function deposit:seen() end

function deposit:close() end

---@param max integer
---@return string? bytes at most max; nil at the end
---@return filo.Error? err
function reader:read(max) end

---Writes everything to a file, which appears under its name when it is whole and flushed. Devices and pipes are written to as they are.
---@param path string
---@param sparse? boolean blocks of zeros in a regular file become holes
---@param mode? integer permission bits of a regular file; what umask leaves when it is left out
---@return true?
---@return filo.Error? err
---@return boolean? replaceable it is reading that failed, and nothing went to a device or a pipe: another source may be saved instead
function reader:save(path, sparse, mode) end

function reader:close() end

---The next objects: fields, `path`, `record`, `verified` and `bringer`; or, of a file or a folder, `path`, `namespace` and `problem`, an
---error's code.
---@return table[] entries none at the end
function walk:next() end

function walk:close() end
