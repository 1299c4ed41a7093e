---The fetches of a node: copies of its own objects on their way here from peers. All who get one version at once share its fetch; what has
---come is kept.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local new_fetch = require "filo.replication.fetch"
local new_gate = require "filo.host.gate"
local new_locks = require "filo.host.lock"

---@class filo.Fetches
local Fetches = {}
Fetches.__index = Fetches

---@param given {host: filo.Host, disk: table, find: filo.Find, peers: filo.Peers, tasks: filo.Tasks, activity: filo.Activities,
---  namespace: string}
---@return filo.Fetches
local function new(given)
  local self = setmetatable({
    running = {}, count = {}, held = setmetatable({}, { __mode = "v" }), opening = new_locks(given.host), ended = new_gate(given.host),
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

local function begin(self, found, partial)
  self.running[found.record] = partial
  local key_hash = found.fields.key_hash
  self.count[key_hash] = (self.count[key_hash] or 0) + 1
  return function()
    self.running[found.record] = nil
    self.count[key_hash] = self.count[key_hash] > 1 and self.count[key_hash] - 1 or nil
    self.ended:wake()
  end
end

---Fetches in the background what a partial lacks, and publishes it here.
local function complete(self, found, partial, key)
  local finish = begin(self, found, partial)
  self.tasks:spawn(function()
    local size = found.fields.size
    local _ <close> = self.activity:begin("fetch", { key = key, size = size },
      function() return chunks.before(self.host, size, partial:missing(0)) end)
    local why = errors.new("closed", "the node was closed while it fetched this")
    local _ <close> = partial
    local _ <close> = at_end(function()
      if why then partial:fail(why.code, tostring(why)) end
      finish()
    end)
    local ok, err = true, nil
    if not found.body then ok, err = fill(self, found, partial) end
    if ok then
      ok, err = partial:publish()
      ok = ok or err.code == "exists"
    end
    why = not ok and err or nil
    if why then self.host.log("warning", "a copy could not be completed here: " .. tostring(why)) end
  end)
end

---A partial to fill: one that some reader of an earlier, failed fetch still holds, or a new one. (Whether a reader that nobody has any more
---was collected makes no difference: what it held is found here, or on the disk.)
local function open_partial(self, found, path, beside)
  local held = self.held[found.record]
  local shared, partial = pcall(function() return held:share() end)
  if shared then
    partial:retry()
    return partial
  end
  local err
  partial, err = self.disk:incoming(path, found.record, found.body, beside)
  self.held[found.record] = partial
  return partial, err
end

---The version that is here already, unless it is another by now: then nil and "exists".
local function open_published(self, found, path)
  local object, err = self.disk:object(self.namespace, path)
  if not object or object:record() == found.record then return object, err end
  object:close()
  return errors.fail("exists", "another version is here by now")
end

---What was found, as something to read from: the same for all who get it at once. beside: what lies at the path cannot be read.
---@param found table  as filo.Find gives it
---@param name table
---@param beside? boolean
---@return userdata?, filo.Error?
function Fetches:open(found, name, beside)
  local path = name.path
  local _ <close> = self.opening:take(found.record)
  local running = self.running[found.record]
  if running then return running:share() end
  local partial, err = open_partial(self, found, path, beside)
  if not partial and err.code == "exists" then return open_published(self, found, path) end
  if not partial then return nil, err end
  complete(self, found, partial:share(), name.key)
  return partial
end

---Waits until nothing of an object is being fetched.
---@param key_hash string
function Fetches:wait(key_hash)
  self.ended:wait_for(function() return not self.count[key_hash] end)
end

return new
