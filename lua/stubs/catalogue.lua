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

---How much lies there, for each namespace that has anything.
---@return filo.core.Usage[]? list
---@return filo.Error? err
function catalogue:usage() end

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
