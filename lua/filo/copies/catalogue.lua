---The catalogue of what lies here: rows, a page for each trip to a worker. It is made from the files, which takes a while where there are
---many: who asks meanwhile waits. While it cannot be used, all files are gone through instead; the reason is logged once.

local errors = require "filo.base.errors"
local new_backoff = require "filo.host.backoff"
local new_walked = require "filo.copies.walked"

local PAUSE_FIRST, PAUSE_MOST = 0.005, 0.2

---Rows of a list of names that are asked for at once: many want the first one only.
local FIRST_PAGE, PAGE = 16, 512

---Seconds for which a catalogue that is made for this process alone is good: one command asks several times.
local FRESH = 1

---What is known of a file without opening it.
---@class filo.CatalogueRow
---@field id integer
---@field namespace string  32 bytes
---@field path? string  where it lies; nil: where the default option `path` has it
---@field problem? string  an error's code, of what is no object; then there is nothing else
---@field key_hash string  32 bytes
---@field version integer
---@field size integer  bytes of content
---@field tombstone boolean
---@field plain boolean
---@field class integer
---@field generation? integer  not in a list of names
---@field verified integer  when its bytes were last hashed and found good, as was last reported, in seconds since 1970; 0: not known
---@field modified? integer
---@field name? string  what its owner calls it, where that can be read; nil of a tombstone
---@field conflict? string  of a conflict copy: the name of what it was kept beside
---@field etag? string  what its owner says that stands for its content
---@field elsewhere? boolean  this version lies at peers, and nothing here that is as new; then there is no path
---@field record? string  of those that were read for it

---@class filo.Catalogue
---@field core? filo.core.Catalogue
---@field answered number  when it was asked last, and could tell
local Catalogue = {}
Catalogue.__index = Catalogue

---Keys that it is opened with; any others are added.
local AT_ONCE = 100

---@param given {host: filo.Host, disk: table, keys: filo.Keys[], names: filo.Names, namespace: string,
---  hand_out: fun(walk: any): any}  keys: to all namespaces whose names are to be in it
---@return filo.Catalogue
local function new(given)
  local files = new_walked { host = given.host, disk = given.disk, names = given.names, namespace = given.namespace,
    hand_out = given.hand_out }
  local self = setmetatable({ host = given.host, namespace = given.namespace, walked = files, answered = -math.huge }, Catalogue)
  local err
  self.core, err = given.disk:catalogue(table.unpack(given.keys, 1, math.min(AT_ONCE, #given.keys)))
  if not self.core then self:tell_failure(err) end
  for i = AT_ONCE + 1, #given.keys do self:add_keys(given.keys[i]) end
  return self
end

---The same catalogue, whose lists are of another namespace.
---@param names filo.Names
---@param namespace string
---@return filo.Catalogue
function Catalogue:of(names, namespace)
  local walked = self.walked
  local files = new_walked { host = self.host, disk = walked.disk, names = names, namespace = namespace, hand_out = walked.hand_out }
  return setmetatable({ namespace = namespace, walked = files }, { __index = self })
end

---It has names of one more namespace, or more of them.
---@param keys filo.Keys
function Catalogue:add_keys(keys)
  local ok, err = true, nil
  if self.core then ok, err = self.core:add_keys(keys) end
  if not ok then self:tell_failure(err) end
end

function Catalogue:tell_failure(err)
  local reason = tostring(err)
  if self.told == reason then return end
  self.told = reason
  self.host.log("warning", "the catalogue cannot be used, so that lists go through all objects: " .. reason)
end

---How it is: "ready", "failed"; or "opening" or "rebuilding", and how many objects it has seen by now.
---@return string state, integer done
function Catalogue:state()
  if not self.core then return "failed", 0 end
  return self.core:state()
end

---A page; nil when the catalogue cannot be used. Waits while it is made.
---@param method string  of filo.core.Catalogue
---@return table[]?, any
local function ask(self, method, ...)
  local backoff
  while self.core do
    local rows, err = self.core[method](self.core, ...)
    if rows then
      self.told, self.answered = nil, self.host.now()
      return rows, err
    end
    if err.code == "closed" then error(err, 0) end
    if err.code ~= "busy" then
      self:tell_failure(err)
      return nil
    end
    backoff = backoff or new_backoff(self.host, PAUSE_FIRST, PAUSE_MOST)
    backoff:wait()
  end
end

---Goes over pages, from where the last row was, for a `for` loop. When the catalogue cannot be used (any more), over the files.
---@param next_page fun(last?: filo.CatalogueRow): table[]?
---@param go_over_files fun(): fun(): filo.CatalogueRow?
---@return fun(): filo.CatalogueRow?
local function rows(next_page, go_over_files)
  local page, at, last, beside = {}, 0, nil, nil
  return function()
    if beside then return beside() end
    at = at + 1
    if not page[at] then
      page, at = next_page(last), 1
      if not page then
        beside = go_over_files()
        return beside()
      end
    end
    last = page[at] or last
    return page[at]
  end
end

---Objects of this node's own whose name starts with a prefix, in the order of their names (bytes), each in the newest version that is known
---of; where the catalogue cannot be used, only what lies here.
---@param prefix string
---@param with_records? boolean  files here are read: what is given is what lies there, a problem, too, and nothing of what has gone
---@param after? string  those whose name comes after this one
---@return fun(): filo.CatalogueRow?
function Catalogue:list(prefix, with_records, after)
  local most = FIRST_PAGE
  local function next_page()
    local page, last
    repeat
      page, last = ask(self, with_records and "records" or "names", self.namespace, prefix, after, most)
      after, most = page and last or after, PAGE
    until not page or page[1] or not last
    return page
  end
  return rows(next_page, function() return self.walked:list(prefix, after) end)
end

---Pages in the order of ids.
local function by_id(self, method, namespace)
  local function next_page(last) return ask(self, method, namespace, last and last.id or 0) end
  return rows(next_page, function() return self.walked[method](self.walked, namespace) end)
end

---All that lies here of a namespace.
---@param namespace string
---@return fun(): filo.CatalogueRow?
function Catalogue:files(namespace) return by_id(self, "files", namespace) end

---The deletions of a namespace, and what may be one and cannot be read.
---@param namespace string
---@return fun(): filo.CatalogueRow?
function Catalogue:tombstones(namespace) return by_id(self, "tombstones", namespace) end

---Objects of a namespace that are of a generation below one.
---@param namespace string
---@param below integer
---@param place? {generation: integer, id: integer}  those after one with these
---@return fun(): filo.CatalogueRow?
function Catalogue:outdated(namespace, below, place)
  local function next_page(last)
    last = last or place or { generation = 0, id = 0 }
    return ask(self, "outdated", namespace, below, last.generation, last.id)
  end
  return rows(next_page, function() return self.walked:outdated(namespace, below) end)
end

---How many these are, and the largest generation that an object of the namespace has.
---@param namespace string
---@param below integer
---@return integer outdated, integer newest
function Catalogue:generations(namespace, below)
  local outdated, newest = ask(self, "generations", namespace, below)
  if outdated then return outdated, newest end
  return self.walked:generations(namespace, below)
end

---What a peer is told of a namespace, at once, or an error: "busy" while the catalogue is made.
---@return string[]? records
---@return integer|filo.Error after
---@return string life
function Catalogue:feed(...)
  if not self.core then return errors.fail("io", self.told or "it is closed") end
  return self.core:feed(...)
end

-- Who holds what lies here, too. All but `mark` is at once, or an error: "busy" while the catalogue is made.

local function at_once(self, method, ...)
  if not self.core then return errors.fail("io", self.told or "it is closed") end
  return self.core[method](self.core, ...)
end

---What stands for one version of an object: 16 bytes. Lists of marks are one text. So are leaves: the first and the last of each range of
---them, 2 bytes each, the more significant first; bucket * 64 + leaf.
---@param namespace string
---@param key_hash string
---@param version integer
---@return string  empty where the catalogue cannot be used
function Catalogue:mark(namespace, key_hash, version) return self.core and self.core:mark(namespace, key_hash, version) or "" end

---Notes whether a node holds what some marks stand for, as far as that lies here.
---@param node string  32 bytes
---@param marks string
---@param has boolean
---@return string? absent  those that do not lie here
---@return filo.Error? err
function Catalogue:believe(node, marks, has) return at_once(self, "believe", node, marks, has, self.host.time() // 1000000) end

---Whether a node is known to hold what each of some marks stands for.
---@return boolean[]?, filo.Error?
function Catalogue:believed(node, marks) return at_once(self, "believed", node, marks) end

---The print, with a salt, of all that lies here and a node is known to hold.
---@return string? print
---@return integer|filo.Error count  how many that are
function Catalogue:print(node, salt) return at_once(self, "print", node, salt) end

---The same of each of 256 buckets; or of each of the leaves of some.
---@param buckets? string  a byte for each
---@return string?, filo.Error?
function Catalogue:prints(node, salt, buckets) return at_once(self, "prints", node, salt, buckets) end

---The marks of the same in some leaves, up to 4096.
---@return string? marks
---@return integer|filo.Error to  of the leaves before this one, which is beyond the first in any case
function Catalogue:marks(node, leaves) return at_once(self, "marks", node, leaves) end

---Compares these with what a node has told, which is known to hold that from now on.
---@return string? lacks  what does not lie here of that
---@return string|filo.Error more  what the node has not told of
---@return integer to  of the leaves before this one, which is beyond the first in any case
function Catalogue:settle(node, leaves, marks)
  return at_once(self, "settle", node, leaves, marks, self.host.time() // 1000000)
end

---Waits while it is in one of these states.
local function wait_while(self, states)
  local backoff = new_backoff(self.host, PAUSE_FIRST, PAUSE_MOST)
  while states[self:state()] do backoff:wait() end
end

---Waits until it is made.
function Catalogue:wait() wait_while(self, { opening = true, rebuilding = true }) end

---An object of which nothing lies here that is as new as what peers have. While the catalogue is made, that is not known.
---@param name string
---@return filo.CatalogueRow?
function Catalogue:elsewhere(name)
  if not self.core then return nil end
  wait_while(self, { opening = true })
  local page = self.core:names(self.namespace, name, nil, 1)
  local row = page and page[1]
  return row and row.elsewhere and row.name == name and row or nil
end

---It has all that has changed until now, unless it is being made.
function Catalogue:catch_up()
  if self.core then self.core:usage() end
end

---How far the list of a peer was read.
---@param peer string  32 bytes
---@return filo.ListPlace?, filo.Error?
function Catalogue:noted(peer)
  local after, life = ask(self, "noted", self.namespace, peer)
  if not after then return errors.fail("io", self.told or "the catalogue cannot be used") end
  return { after = after, life = life }
end

---Notes what a peer lists, and how far that goes.
---@param peer string  32 bytes
---@param place filo.ListPlace
---@param records string[]
---@param paths string[]
---@return true|integer[]|nil, filo.Error?  integers: records of deletions that have to take place first; nothing was noted
function Catalogue:note(peer, place, records, paths)
  if not self.core then return errors.fail("io", self.told or "the catalogue is closed") end
  return self.core:note(self.namespace, peer, place.life, place.after, records, paths)
end

---Objects of this node's own, those first that were verified longest ago, or never. Those that are verified meanwhile are not given again.
---@return fun(): filo.CatalogueRow?
function Catalogue:stalest()
  local now = self.host.time() // 1000000
  local next_row = rows(function(last)
    return ask(self, "stalest", self.namespace, last and last.verified or -1, last and last.id or 0)
  end, function() return self.walked:stalest() end)
  return function()
    local row = next_row()
    if row and row.verified <= now then return row end
  end
end

---Where a list of all copies, those first that were verified longest ago, was left off: after this one. `id` means something in one life of
---the catalogue only.
---@class filo.AgePlace
---@field verified integer
---@field size integer
---@field id integer

---Copies of all namespaces, and deletions, that were verified up to a time, or never; those first of which that is longest ago. Where the
---catalogue cannot be used, all that lies here, in no order.
---@param place filo.AgePlace
---@param until_time integer
---@return fun(): filo.CatalogueRow?
function Catalogue:oldest(place, until_time)
  return rows(function(last)
    last = last or place
    return ask(self, "oldest", last.verified, last.size, last.id, until_time)
  end, function() return self.walked:verified_between(place.verified, until_time) end)
end

---How many these are, the bytes of their content, and the life of the catalogue; nil where it cannot be used.
---@param place filo.AgePlace
---@param until_time integer
---@return integer? count, integer? bytes, string? life
function Catalogue:older(place, until_time)
  local backoff
  while self.core do
    local count, bytes, life = self.core:older(place.verified, place.size, place.id, until_time)
    if count then return count, bytes, life end
    if bytes.code == "closed" then error(bytes, 0) end
    if bytes.code ~= "busy" then return nil end
    backoff = backoff or new_backoff(self.host, PAUSE_FIRST, PAUSE_MOST)
    backoff:wait()
  end
end

---What lies at a path, as is known without looking there: nil when it is not known, or no object.
---@param namespace string
---@param path string
---@return filo.CatalogueRow?
function Catalogue:at(namespace, path)
  local page = self.core and self.core:at(namespace, path)
  local row = page and page[1]
  return row and not row.problem and row or nil
end

---What a mark stands for; nil: that does not lie here, as far as is known.
---@param mark string
---@return filo.CatalogueRow?
function Catalogue:marked(mark)
  local page = self.core and self.core:marked(mark)
  local row = page and page[1]
  return row and not row.problem and row or nil
end

---Files that are no objects, or cannot be read, of all namespaces. Where the catalogue cannot be used, they are among all others.
---@return fun(): filo.CatalogueRow?
function Catalogue:problems()
  local function next_page(last) return ask(self, "problems", last and last.id or 0) end
  return rows(next_page, function() return function() end end)
end

---Before somebody is told of what lies here: beside an owner without a good catalogue, one is made as of now; and what could not be read
---may be readable by now, and then is among the objects.
function Catalogue:begin()
  if self.core and self.host.now() - self.answered > FRESH then self.core:refresh() end
  for _ in self:problems() do end
end

---What is kept here of one namespace, or was brought by one node.
---@class filo.core.Usage
---@field namespace? string  32 bytes
---@field bringer? string  32 bytes: the node
---@field objects integer
---@field deleted integer  tombstones
---@field bytes integer  of content

---For each namespace that has anything here, and for each node that has brought what is here, in the order of their bytes.
---@return filo.core.Usage[] of_namespaces, filo.core.Usage[] of_bringers
function Catalogue:usage()
  local owners, bringers = ask(self, "usage")
  if not owners then owners, bringers = self.walked:usage() end
  table.sort(owners, function(a, b) return a.namespace < b.namespace end)
  table.sort(bringers, function(a, b) return a.bringer < b.bringer end)
  return owners, bringers
end

---Closes it in order, which a cancelled task does not stop.
---@return filo.Error? cancelled
function Catalogue:close()
  local core = self.core
  if not core then return end
  self.core = nil
  local ok, err = pcall(core.close, core)
  if ok then return nil end
  if errors.is_cancelled(err) then return err end
  core:close_now()
end

return new
