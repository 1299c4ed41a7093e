---@meta
---Roots, paths and records of sealed objects. Hashes, keys and records are raw bytes. What touches the disk or checks a
---signature waits for a worker. A failure returns nil and an error; a wrong argument raises.

---@class filo.core.store
---@field chunk_size integer bytes of content that one hash is over: 1048576; the last chunk of an object may be shorter
local store = {}

---What a record says.
---@class filo.core.Fields
---@field version integer
---@field size integer bytes of content
---@field tombstone boolean
---@field plain boolean
---@field namespace string 32 bytes
---@field key_hash string 32 bytes
---@field root string 32 bytes: the digest over the chunk hashes
---@field class integer 0 to 255: what the owner's policy says of it
---@field generation integer 0 to 4294967295: which of the namespace's secrets it is sealed with
---@field nonce string 12 bytes: of two records with one version the one with the larger nonce counts

---What is said of a version when it is published.
---@class filo.core.Version
---@field key_hash string 32 bytes
---@field version integer larger than those before it
---@field generation integer 0 to 4294967295
---@field class integer 0 to 255
---@field meta string sealed with it

---What a file looks like from outside.
---@class filo.core.Seen
---@field stamp string differs when the content may: time of modification and of change in nanoseconds, size, inode
---@field size integer bytes
---@field modified integer seconds since 1970
---@field changed number time of change in seconds since 1970, which cannot be set as that of modification can

---What an open file looks like now; nil: that says nothing of it, as of a pipe, a device or a file of /proc.
---@param file filo.core.Descriptor|file*
---@return filo.core.Seen?
function store.seen(file) end

---What lies at a root, which stays as it is: "empty" (or absent), "begun" (no marker yet, but an identity or a lock), "made".
---@param root string
---@return "empty"|"begun"|"made"|nil state
---@return filo.Error? err "denied" when it is no folder, or has content but no marker
function store.look(root) end

---What the marker of a root says, which need not be opened for that.
---@param root string
---@return string? owner  its node ID
---@return string|filo.Error layout  as `Store:layout` gives it; or err: "not_found" when there is no marker
function store.marker(root) end

---Makes the folder of a root, with its parents, for its owner alone, unless it is there; what lies there is "begun" afterwards.
---@param root string
---@return true?
---@return filo.Error? err
function store.prepare(root) end

---Opens a root, which becomes one when it is absent or empty.
---@param root string
---@param owner string 32 bytes: the node ID
---@param durability? "full"|"group"|"none"
---@param reserve? integer bytes of free space that writing never touches
---@param readonly? boolean beside the process that owns it
---@return filo.core.Store? store
---@return filo.Error? err "denied" (another owner's, no marker, another user may write there), "locked" (by which process) ...
function store.open(root, owner, durability, reserve, readonly) end

---The path of a key hash, made of its digest: folders of `width` digits, `depth` of them, then all digits.
---@param digest filo.digest
---@param width integer
---@param depth integer
---@param key_hash string 32 bytes
---@return string? path
---@return filo.Error? err
function store.cas_path(digest, width, depth, key_hash) end

---Whether a path stays within the root.
---@param path string
---@return true?
---@return filo.Error? err
function store.check_path(path) end

---Reads a record and checks its signature.
---@param record string
---@return filo.core.Fields? fields
---@return filo.Error? err
function store.parse(record) end

---Reads a record whose signature was checked before. Does not wait.
---@param record string
---@return filo.core.Fields? fields
---@return filo.Error? err
function store.peek(record) end

---Whether a body of at most one chunk (its hash, then its bytes) is what a record describes; no signature is checked. Does not wait.
---@param record string
---@param body string
---@return boolean
function store.vouches(record, body) end

---Opens the sealed metadata of a record.
---@param keys filo.Keys
---@param record string
---@return string? key the content key
---@return string|filo.Error meta "denied": of another namespace, object or generation
function store.unseal(keys, record) end

---A record for another version of the content that a record is of, which was checked: root, size, flags and content key stay.
---@param keys filo.Keys  that write
---@param record string
---@param version filo.core.Version  of the same object
---@return string? record
---@return filo.Error? err "denied": these keys do not open it, or do not write; "invalid": it is a deletion
function store.reseal(keys, record, version) end

return store
