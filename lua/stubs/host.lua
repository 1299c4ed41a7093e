---@meta
---The host: all that node logic knows of the world. The rooms from copies to node reach clock, randomness, tasks, disk and network only
---through such a table; lua/filo/host/real.lua is the real one. What is here is all that another host has to give, and is called with `.`,
---not `:`. `filo.node` makes its nodes on the real host; `require "filo.node"(host, options)` makes one on any.
---
---Of what a host's functions give, node logic uses these methods, each as described with its class:
---
---  filo.Task             cancel, join, status, observe
---  filo.core.Store       close, wait_idle, stat, object, sealed, in_hand, space, bad, bad_copies,
---                        write_note, read_note, sweep, pack, old, old_of, old_usage, old_owners, old_object, restore, forget_old,
---                        sweep_old, keep_deleted, keep_versions, yield_versions, layout, set_layout, move, remove, set_aside,
---                        partial, keep, partial_outside, deposit, deposit_file, tombstone, rewrap, walk, catalogue
---  filo.core.Object      fields, record, set_key, content, verify_chunk, prove_chunk, set_aside, mark_verified, reader, share, close
---  filo.core.Partial     fields, has_hashes, has, missing, set_key, reader, publish, fail, retry, share, close
---  filo.core.Deposit     write, pull, finish, publish, progress, seen, close
---  filo.core.Reader      read, save, close
---  filo.core.Walk        next, close
---  filo.core.Catalogue   names, records, files, tombstones, stalest, oldest, older, at, outdated, generations, problems, usage,
---                        add_keys, feed, note, noted, mark, believe, believed, print, prints, marks, marked, settle,
---                        state, refresh, close, close_now
---  filo.core.Listener    accept, address, close
---  filo.core.Connection  ready, receive, send, drained, admit, close, abort, peer, binding, is_dialler, is_bulk, remote, stats,
---                        send_object, receive_object, open_stream, attach_stream, cut_stream
---  filo.core.Transfer    join, number, bytes, close
---  filo.Stream           read, write, finish, wait_cut, close
---  filo.core.Tls         close
---  filo.core.Rates       set, moved, wait, wait_idle, close
---
---Failures of the world are `nil, err`, with the metatable of filo.core.runtime's `error_type`. Whatever has `close` may be a `<close>`
---variable, and closing it twice does no harm. The same seed gives the same run as long as the host gives the same answers.

---@class filo.Host
---@field crypto filo.Host.crypto
---@field identities filo.Host.identities
---@field store filo.Host.store
---@field net filo.Host.net
local host = {}

-- Time and chance -------------------------------------------------------------------------------------------------------

---Seconds on a clock that never goes back. Deadlines are counted on it.
---@return number
function host.now() end

---Microseconds since 1970, on the clock of the machine: it may be wrong, and jump.
---@return integer
function host.time() end

---Random bytes: the one source of randomness of node logic.
---@param len integer
---@return string? bytes
---@return filo.Error? err
function host.random(len) end

-- Tasks -----------------------------------------------------------------------------------------------------------------

---Waits. 0 gives the other tasks a turn. May be cancelled, as every wait: see filo.Task.
---@param seconds number
function host.sleep(seconds) end

---Starts fn(...) as a task, which goes on when the current one ends.
---@param fn fun(...): ...
---@param ... any
---@return filo.Task
function host.spawn(fn, ...) end

---Starts fn(...) as a task that is cancelled when the current one ends.
---@param fn fun(...): ...
---@param ... any
---@return filo.Task
function host.spawn_child(fn, ...) end

---The task that runs now.
---@return filo.Task
function host.current() end

---Waits until another task wakes this one, or until the deadline.
---@param seconds? number  no deadline when left out; 0 and less: a turn
---@return boolean woken  false when the deadline passed
function host.suspend(seconds) end

---A line in which tasks wait: see filo.core.runtime.
---@return filo.Line
function host.line() end

---Lets a task go on that waits in suspend.
---@param waiting filo.Task
---@return boolean woken  false when it does not wait there
function host.wake(waiting) end

---Calls a function that cannot wait, nor compute for longer than limits.compute: an error says so.
---@param fn fun(...): ...
---@param ... any
---@return any ...
function host.pinned(fn, ...) end

---A queue between tasks.
---@param capacity? integer  1 when left out
---@return filo.Channel
function host.channel(capacity) end

-- Bytes -----------------------------------------------------------------------------------------------------------------

---A value as CBOR, maps in the order of their keys: the same value gives the same bytes. Raises an error for what cannot be encoded.
---@param value any
---@return string
function host.encode(value) end

---Reads one value. The bytes may be anybody's.
---@param bytes string
---@return any value
---@return filo.Error? err
function host.decode(bytes) end

---Pure functions: as in filo.core.crypto.
---@class filo.Host.crypto
host.crypto = {}

---@param name filo.digest
---@param data string
---@return string? hash
---@return filo.Error? err
function host.crypto.digest(name, data) end

---@param key string
---@param data string
---@return string? mac  32 bytes
---@return filo.Error? err
function host.crypto.hmac_sha256(key, data) end

---Compares in a time that does not tell where the difference is.
---@param a string
---@param b string
---@return boolean
function host.crypto.equal(a, b) end

---@param bytes string
---@return string digits
function host.crypto.hex(bytes) end

---@param digits string
---@return string? bytes
---@return filo.Error? err
function host.crypto.unhex(digits) end

---Checks a signature. Never raises an error for strings.
---@param id string  64 hexadecimal digits or 32 bytes
---@param data string
---@param signature string
---@return true? valid
---@return filo.Error? err
function host.crypto.verify(id, data, signature) end

-- What lasts ------------------------------------------------------------------------------------------------------------

---Files with the keys of a node. An identity has: id, raw_id, sign, namespace, save(path), close; see filo.Identity.
---@class filo.Host.identities
host.identities = {}

---@param path string
---@return filo.Identity? identity
---@return filo.Error? err  "not_found", "denied" (others may read the file) or "corrupt"
function host.identities.load(path) end

---@return filo.Identity? identity
---@return filo.Error? err
function host.identities.generate() end

---What a node was given of namespaces, each under a name of its user's.
---@class filo.Host.keyring
host.keyring = {}

---@param root string
---@return string[]? names  sorted
---@return filo.Error? err
function host.keyring.names(root) end

---@param root string
---@param name string
---@return filo.Keys? keys
---@return filo.Error? err  "not_found", "denied" (others may read a file), "corrupt"
function host.keyring.load(root, name) end

---Whether something can be called so.
---@param name string
---@return string?
---@return filo.Error? err  "invalid"
function host.keyring.check_name(name) end

---The keys that a capability gives.
---@param line string
---@return filo.Keys? keys
---@return filo.Error? err  "invalid", "corrupt", "unsupported"
function host.keyring.read(line) end

---Adds a capability; one that is there already stays.
---@param root string
---@param name string  letters, digits and . _ - inside
---@param line string
---@return true?
---@return filo.Error? err
function host.keyring.add(root, name, line) end

---Notes, for good, that others may write the node's own namespace, too.
---@param root string
---@return true?
---@return filo.Error? err
function host.keyring.note_writers(root) end

---@param root string
---@return boolean
function host.keyring.has_writers(root) end

---Who was given what, as is noted in a root.
---@class filo.Host.readers
host.readers = {}

---@param root string
---@return filo.Given[]? list  by readers
---@return filo.Error? err
function host.readers.list(root) end

---Notes that something was given, in the place of what was noted of it before.
---@param root string
---@param given filo.Given
---@return true?
---@return filo.Error? err
function host.readers.note(root, given) end

---@param root string
---@param given filo.Given
---@return true?
---@return filo.Error? err
function host.readers.forget(root, given) end

---With which generation of its keys each namespace is written, as is noted in a root.
---@class filo.Host.generations
host.generations = {}

---@param root string
---@return table<string, integer>? numbers  by raw namespace IDs
---@return filo.Error? err
function host.generations.load(root) end

---Notes one, for good; the one before is forgotten.
---@param root string
---@param raw_id string
---@param number integer
---@param before? integer
---@return true?
---@return filo.Error? err
function host.generations.save(root, raw_id, number, before) end

---Who the members are, as is kept in a root.
---@type filo.Numbered
host.roster = {}

---How far a plan is applied, as is kept in a root.
---@type filo.Numbered
host.applied = {}

---Roots and what lies in them.
---@class filo.Host.store
---@field chunk_size integer  bytes of content that one hash is over; the last chunk may be shorter. No less than limits.inline
host.store = {}

---@param root string
---@return "empty"|"begun"|"made"|nil state
---@return filo.Error? err
function host.store.look(root) end

---Makes the folder of a root, unless it is there.
---@param root string
---@return true?
---@return filo.Error? err
function host.store.prepare(root) end

---Opens a root, which becomes one when it is absent or empty.
---@param root string
---@param owner string  32 bytes: the node ID
---@param durability? "full"|"group"|"none"
---@param reserve? integer  bytes of free space that writing never touches
---@param readonly? boolean  beside the process that owns it
---@return filo.core.Store? store
---@return filo.Error? err
function host.store.open(root, owner, durability, reserve, readonly) end

---Reads a record and checks its signature.
---@param record string
---@return filo.core.Fields? fields
---@return filo.Error? err
function host.store.parse(record) end

---Reads a record without checking its signature: for one that will be checked when it is stored. Does not wait.
---@param record string
---@return filo.core.Fields? fields
---@return filo.Error? err
function host.store.peek(record) end

---Whether a body of at most one chunk (its hash, then its bytes) is what a record describes. Does not wait.
---@param record string
---@param body string
---@return boolean
function host.store.vouches(record, body) end

---Opens the sealed metadata of a record.
---@param keys filo.Keys
---@param record string
---@return string? key  the content key
---@return string|filo.Error meta  "denied": of another namespace, object or generation
function host.store.unseal(keys, record) end

---A record for another version of the content that a record is of.
---@param keys filo.Keys
---@param record string
---@param version filo.core.Version
---@return string? record
---@return filo.Error? err
function host.store.reseal(keys, record, version) end

---The path of a key hash, made of its digest: folders of `width` digits, `depth` of them, then all digits.
---@param digest filo.digest
---@param width integer
---@param depth integer
---@param key_hash string  32 bytes
---@return string? path
---@return filo.Error? err
function host.store.cas_path(digest, width, depth, key_hash) end

---What an open file looks like now, as `store:deposit_file` gives it; nil: that says nothing of it.
---@param file filo.core.Descriptor|file*
---@return filo.core.Seen?
function host.store.seen(file) end

---Whether a path stays within the root: for those that a script's own function makes.
---@param path string
---@return true?
---@return filo.Error? err
function host.store.check_path(path) end

-- Network ---------------------------------------------------------------------------------------------------------------

---@class filo.Host.net
host.net = {}

---@param identity filo.Identity
---@return filo.core.Tls? tls
---@return filo.Error? err
function host.net.tls(identity) end

---@param address string  "host:port"; no host: every address; port 0: a free one
---@return filo.core.Listener? listener
---@return filo.Error? err
function host.net.listen(address) end

---Waits until the handshake is done.
---@param address string
---@param options filo.core.ConnectionOptions
---@return filo.core.Connection? connection
---@return filo.Error? err
function host.net.dial(address, options) end

---What the streams of all connections keep to that are made with it.
---@return filo.core.Rates? rates
---@return filo.Error? err
function host.net.rates() end

---@param text string  "host:port", IPv6 in brackets
---@return string? host
---@return integer|filo.Error port
function host.net.address(text) end

-- The process -----------------------------------------------------------------------------------------------------------

---How long and how much: as lua/filo/host/limits.lua, where each is explained. They are read when they are needed.
---@type table<string, number>
host.limits = {}

---A line for people about what went wrong or changed, from nodes without the option `log`.
---@param level "error"|"warning"|"info"
---@param message string
function host.log(level, message) end

---A node has been made.
---@param node filo.Node
---@param is_open fun(): boolean  whether it still is
function host.opened(node, is_open) end

---The open nodes, in the order in which they were made.
---@return filo.Node[]
function host.nodes() end

return host
