---@meta
---The catalogue of a store: rows of what lies there, a page for each trip to a worker. Times are seconds since 1970. A failure returns nil
---and an error: "busy" while it is made, to be asked again in a while; any other but "closed" when it cannot be used for now.

---@class filo.core.Catalogue
local catalogue = {}

---Own objects with names that start with a prefix, in the order of these, after one: each in the newest version that is known of, here or
---`elsewhere`. Without `id`, `namespace`, `path`, `key_hash` and `tombstone`.
---@param namespace string
---@param prefix string
---@param after? string
---@param most? integer 512, which is the most
---@return filo.CatalogueRow[]? rows
---@return string|filo.Error|nil last the name of the last one; nil: there are no more
function catalogue:names(namespace, prefix, after, most) end

---The same, and the files of those that lie here are read: what is given is what lies there, with its record, or a problem; what is gone is
---left out.
---@param namespace string
---@param prefix string
---@param after? string
---@param most? integer
---@return filo.CatalogueRow[]? rows
---@return string|filo.Error|nil last the name of the last one that was in the catalogue; nil: there are no more
function catalogue:records(namespace, prefix, after, most) end

---All objects and deletions of a namespace, in the order of their ids, after one (0: from the beginning).
---@param namespace string
---@param after integer
---@param most? integer
---@return filo.CatalogueRow[]? rows
---@return filo.Error? err
function catalogue:files(namespace, after, most) end

---The deletions of a namespace.
---@param namespace string
---@param after integer
---@param most? integer
---@return filo.CatalogueRow[]? rows
---@return filo.Error? err
function catalogue:tombstones(namespace, after, most) end

---Records of a namespace for others: of what has come since they asked last. Each version of an object is there once, what is no object is
---left out.
---@param namespace string
---@param life? string which database `after` is of: of another one than this all is told from the beginning
---@param after integer  0: from the beginning
---@param most integer records
---@param most_bytes integer of these
---@return string[]? records
---@return integer|filo.Error after with which to ask for what comes then; the same: there is nothing
---@return string life 16 bytes: of this database
function catalogue:feed(namespace, life, after, most, most_bytes) end

---Notes what a peer has listed of a namespace that is read here, all of it: what is newer than what lies here is among the names from then
---on; and how far the list was read. Nothing is noted when some of it deletes what lies here: first that has to be. "corrupt": a record
---is none, or not signed; "denied": it is of another namespace.
---@param namespace string
---@param peer string 32 bytes: its node ID
---@param life string as feed gave it there
---@param after integer the same
---@param records string[]
---@param paths string[] where each would lie here
---@return true|integer[]|nil noted  integers: which of the records are these deletions
---@return filo.Error? err
function catalogue:note(namespace, peer, life, after, records, paths) end

---How far the list of a peer was read.
---@param namespace string
---@param peer string
---@return integer? after 0: not at all
---@return string|filo.Error|nil life
function catalogue:noted(namespace, peer) end

---Objects with names, in the order of when they were verified and of their ids, after one that has these (-1 and 0: from the beginning).
---@param namespace string
---@param verified integer
---@param after integer
---@param most? integer
---@return filo.CatalogueRow[]? rows
---@return filo.Error? err
function catalogue:stalest(namespace, verified, after, most) end

---Objects and deletions of all namespaces that were verified up to a time, or never, in the order of when, of their sizes and of their ids,
---after one that has these (-1, 0 and 0: from the beginning).
---@param verified integer
---@param size integer
---@param id integer
---@param until_time integer
---@param most? integer
---@return filo.CatalogueRow[]? rows
---@return filo.Error? err
function catalogue:oldest(verified, size, id, until_time, most) end

---How many these are.
---@param verified integer
---@param size integer
---@param id integer
---@param until_time integer
---@return integer? count
---@return integer|filo.Error bytes of their content
---@return string life 16 bytes: of this database. In another one the ids mean nothing
function catalogue:older(verified, size, id, until_time) end

---What lies at a path, as is known without looking there.
---@param namespace string
---@param path string
---@return filo.CatalogueRow[]? rows one, or none
---@return filo.Error? err
function catalogue:at(namespace, path) end

---Objects of a namespace that are of a generation below one, in the order of their generations and ids, after one that has these (0 and 0:
---from the beginning).
---@param namespace string
---@param below integer
---@param generation integer
---@param after integer
---@param most? integer
---@return filo.CatalogueRow[]? rows
---@return filo.Error? err
function catalogue:outdated(namespace, below, generation, after, most) end

---How many these are, and the largest generation that an object of the namespace has.
---@param namespace string
---@param below integer
---@return integer? outdated
---@return integer|filo.Error newest
function catalogue:generations(namespace, below) end

---Files of any namespace that are no objects, or cannot be read, after an id. Each was looked at once more.
---@param after integer
---@param most? integer
---@return filo.CatalogueRow[]? rows
---@return filo.Error? err
function catalogue:problems(after, most) end

---Keys to one more namespace, or more to one: its names are read from now on; meanwhile lists of them are "busy".
---@param keys filo.Keys
---@return true?
---@return filo.Error? err
function catalogue:add_keys(keys) end

---How much lies there, for each namespace that has anything; and how much each node has brought, where that is known. Both are of one
---moment.
---@return filo.core.Usage[]? of_namespaces
---@return filo.core.Usage[]|filo.Error|nil of_bringers
function catalogue:usage() end

---What stands for one version of an object, 16 bytes.
---@param namespace string
---@param key_hash string
---@param version integer
---@return string
function catalogue:mark(namespace, key_hash, version) end

---Notes whether a node holds what some marks stand for, as far as that lies here.
---@param node string 32 bytes
---@param marks string one behind the other, up to 4096
---@param has boolean
---@param now integer seconds since 1970: of 256 nodes that are known, who was silent for longest, a day at least, makes room for another
---@return string? absent those of them that do not lie here
---@return filo.Error? err
function catalogue:believe(node, marks, has, now) end

---Whether a node is known to hold what each stands for.
---@param node string
---@param marks string
---@return boolean[]?
---@return filo.Error? err
function catalogue:believed(node, marks) end

---A print of the marks of all that lies here and a node is known to hold: 8 bytes.
---@param node string
---@param salt string 16 bytes
---@return string? print
---@return integer|filo.Error count how many that are
function catalogue:print(node, salt) end

---Prints of the same in each of 256 buckets, or in each of the 64 leaves of some buckets.
---@param node string
---@param salt string
---@param buckets? string a byte for each
---@return string?
---@return filo.Error? err
function catalogue:prints(node, salt, buckets) end

---The same marks in some leaves, up to 4096.
---@param node string
---@param leaves string of each range the first and the last, in 2 bytes each, the more significant first
---@return string? marks
---@return integer|filo.Error to those of leaves before this one are all there; beyond the first in any case
function catalogue:marks(node, leaves) end

---The row of what a mark stands for: none when that does not lie here.
---@param mark string 16 bytes
---@return filo.core.CatalogueRow[]?
---@return filo.Error? err
function catalogue:marked(mark) end

---A node has told that these are what it has so: it is known to hold, from now on, what lies here of them.
---@param node string
---@param leaves string
---@param marks string
---@param now integer
---@return string? lacks those that do not lie here
---@return string|filo.Error more those that it has not told of, in leaves ...
---@return integer to ... before this one
function catalogue:settle(node, leaves, marks, now) end

---@return "opening"|"rebuilding"|"ready"|"failed" state
---@return integer seen files, by the rebuilding
---@return string? why it failed
function catalogue:state() end

---Somebody begins to ask: where the root is open for reading only, and its owner has no good catalogue, one is made as of now.
function catalogue:refresh() end

---Applies what waits and closes the database in order; waits for that.
---@return true?
function catalogue:close() end

---The same where a task cannot wait: all stands still meanwhile. Also what the end of a `<close>` variable does.
function catalogue:close_now() end
