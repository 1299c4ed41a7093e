---The fetches of a node: copies of its own objects on their way here from peers. All who get one version at once share its fetch, and a
---later one shares the partial that readers of a failed one still hold; what has come is kept.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local new_fetch = require "filo.replication.fetch"
local new_gate = require "filo.host.gate"
local new_locks = require "filo.host.lock"
local versions = require "filo.copies.versions"

local ANY = "any" -- whoever has it

---A partial, held by one who reads or fills it: what node/object.lua reads from. It is open until the last one lets go of it.
---@class filo.Held
---@field partial filo.core.Partial  a handle of its own
local Held = {}
Held.__index = Held

---@param shared {record: string, partial: filo.core.Partial, holders: integer, all: table}  all: the shared ones, by record
local function hold(shared)
  shared.holders = shared.holders + 1
  return setmetatable({ shared = shared, partial = shared.partial:share() }, Held)
end

function Held:set_key(key) return self.partial:set_key(key) end
function Held:content() end -- luacheck: no self
function Held:reader(...) return self.partial:reader(...) end

function Held:close()
  if self.closed then return end
  self.closed = true
  self.partial:close()
  local shared = self.shared
  shared.holders = shared.holders - 1
  if shared.holders > 0 then return end
  if shared.all[shared.record] == shared then shared.all[shared.record] = nil end
  shared.partial:close()
end

Held.__close = Held.close
Held.__gc = Held.close

---@class filo.Fetches
---@field running table<string, string>  whom those under way ask, by record: the ID of a peer, or ANY
---@field count table<string, integer>  how many are, by key hash
---@field held table<string, table>  the partials that somebody holds, by record
---@field keeping integer  how many small objects are being kept here that were handed out already
local Fetches = {}
Fetches.__index = Fetches

---@param given {host: filo.Host, disk: table, find: filo.Find, peers: filo.Peers, tasks: filo.Tasks, activity: filo.Activities,
---  namespace: string}
---@return filo.Fetches
local function new(given)
  local self = setmetatable({
    running = {}, count = {}, held = {}, keeping = 0, opening = new_locks(given.host), ended = new_gate(given.host),
  }, Fetches)
  for name, value in pairs(given) do self[name] = value end
  return self
end

---Fetches what a partial lacks. When the node is closed meanwhile, what is whole already counts.
local function fill(self, found, partial)
  local fetch = new_fetch {
    host = self.host, find = self.find, peers = self.peers, tasks = self.tasks, found = found, partial = partial,
  }
  local called, ok, err = pcall(fetch.run, fetch)
  if called then return ok, err end
  if fetch:is_whole() then return true end
  error(ok, 0)
end

---Something of an object is on its way here, until the function that this gives is called.
local function begin(self, key_hash)
  self.count[key_hash] = (self.count[key_hash] or 0) + 1
  return function()
    self.count[key_hash] = self.count[key_hash] > 1 and self.count[key_hash] - 1 or nil
    self.ended:wake()
  end
end

---Fetches in the background what a partial lacks, and publishes it here.
local function complete(self, found, held, key)
  local finish = begin(self, found.fields.key_hash)
  self.running[found.record] = found.only or ANY
  self.tasks:spawn(function()
    local size, partial = found.fields.size, held.partial
    local _ <close> = self.activity:begin("fetch", { key = key, size = size },
      function() return chunks.before(self.host, size, partial:missing(0)) end)
    local why = errors.new("closed", "the node was closed while it fetched this")
    local _ <close> = held
    local _ <close> = at_end(function()
      if why then partial:fail(why.code, tostring(why)) end
      self.running[found.record] = nil
      finish()
    end)
    local ok, err = true, nil
    if not found.body then ok, err = fill(self, found, partial) end
    if ok and not found.is_old then
      ok, err = partial:publish()
      if ok then self.held[found.record] = nil end -- who reads it goes on; what is fetched after that is another
      ok = ok or err.code == "exists"
    end
    why = not ok and err or nil
    held.shared.problem = why
    if why then self.host.log("warning", "a copy could not be completed here: " .. tostring(why)) end
  end)
end

---A partial to fill: one that some reader of an earlier, failed fetch still holds, or a new one.
local function open_partial(self, found, path, beside)
  local shared = self.held[found.record]
  if shared then
    shared.partial:retry()
    return shared
  end
  if not found.body and not beside and self.disk:rewrap(path, found.record) then -- the content was here, under an older record
    return errors.fail("exists", "it is here by now")
  end
  local partial, err = self.disk:partial(path, found.record, found.body, beside)
  if not partial then return nil, err end
  shared = { record = found.record, partial = partial, holders = 0, all = self.held }
  self.held[found.record] = shared
  return shared
end

---The version that is here already, unless it is another by now: then nil and "exists".
local function open_published(self, found, path)
  local object, err = self.disk:object(self.namespace, path)
  if not object or object:record() == found.record then return object, err end
  object:close()
  return errors.fail("exists", "another version is here by now")
end

---What was found, as something to read from: the same for all who get it at once, from whom they like or from one and the same peer.
---beside: what lies at the path is not looked at before this is published: it cannot be read, or is not wanted.
---@param found table  as filo.Find gives it; only: the ID of the peer from which alone it is fetched
---@param name table
---@param beside? boolean
---@return filo.Held|filo.core.Object|nil, filo.Error?
function Fetches:open(found, name, beside)
  local path = name.path
  local _ <close> = self.opening:take(found.record)
  self.ended:wait_for(function() return (self.running[found.record] or found.only or ANY) == (found.only or ANY) end)
  if self.running[found.record] then return hold(self.held[found.record]) end
  local shared, err = open_partial(self, found, path, beside)
  if not shared and err.code == "exists" then return open_published(self, found, path) end
  if not shared then return nil, err end
  local reader = hold(shared)
  complete(self, found, hold(shared), name.key)
  return reader
end

---An old version, as something to read from. It does not come to lie here: what is fetched of it may serve to resume that, and no more.
---@param found table  with `is_old`
---@param name table
---@return filo.Held?, filo.Error?
function Fetches:borrow(found, name) return self:open(found, name, true) end

---Fetches what was found and keeps it here, and waits for that.
---@param found table  as filo.Find gives it
---@param name table
---@return true?, filo.Error?
function Fetches:bring(found, name)
  local held <close>, err = self:open(found, name)
  if not held then return nil, err end
  self.ended:wait_for(function() return not self.running[found.record] end)
  local shared = held.shared
  if shared and shared.problem then return nil, shared.problem end
  return true
end

---What was found, when it is a small object that has come whole, and nothing that is no older is here by now; and whether nothing at all is
---that counts, so that what is kept need not look before it is published.
local function take_in_hand(self, found, path, beside)
  local object = found.body and self.disk:in_hand(found.record, found.body)
  if not object then return nil end
  local here = not beside and self.disk:stat(self.namespace, path)
  if not here then return object, true end
  if versions.newer(found.fields, here) then return object, false end
  object:close()
end

local function keep(self, found, path, beside)
  local ok, err = self.disk:keep(path, found.record, found.body, beside)
  if not ok and err.code ~= "exists" then self.host.log("warning", "a copy could not be kept here: " .. tostring(err)) end
end

---A small object that has come whole, to read from at once, while it is kept here: as Fetches:open. nil when that has to be called.
---@return filo.core.Object?
function Fetches:hand_out(found, name, beside)
  if self.keeping >= self.host.limits.keeping then return nil end
  local object, alone = take_in_hand(self, found, name.path, beside)
  if not object then return nil end
  local finish = begin(self, found.fields.key_hash)
  self.keeping = self.keeping + 1
  self.tasks:spawn(function()
    local _ <close> = at_end(function()
      self.keeping = self.keeping - 1
      finish()
    end)
    keep(self, found, name.path, alone)
  end)
  return object
end

---Fetches what was found to an open file, which holds its content then. Nothing is kept here, or shared.
---@param found table  as filo.Find gives it
---@param name table
---@param content_key string
---@param file filo.core.Descriptor|file*  empty; for reading and writing
---@return true?, filo.Error?
function Fetches:write(found, name, content_key, file)
  local partial <close>, err = self.disk:partial_outside(file, found.record)
  if not partial then return nil, err end
  partial:set_key(content_key)
  local size = found.fields.size
  local _ <close> = self.activity:begin("fetch", { key = name.key, size = size },
    function() return chunks.before(self.host, size, partial:missing(0)) end)
  local ok
  ok, err = fill(self, found, partial)
  if not ok then return nil, err end
  return partial:publish()
end

---Waits until nothing of an object is being fetched.
---@param key_hash string
function Fetches:wait(key_hash)
  self.ended:wait_for(function() return not self.count[key_hash] end)
end

return new
