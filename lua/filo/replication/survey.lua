---Surveying: every copy of an object, wherever it is, and what is wrong with those that are missing.

---@class filo.Copy
---@field node string  ID of the node
---@field version? integer  of the copy; nil: there is none
---@field size? integer
---@field deleted? boolean  it is a tombstone
---@field verified? integer  seconds since 1970: when the node last read and checked all of it, or wrote it
---@field problem? string  why there is none, or why it is not known

---@class filo.Survey
local Survey = {}
Survey.__index = Survey

---@param given {host: filo.Host, disk: table, peers: filo.Peers, find: filo.Find, refusals: filo.Refusals, id: string, namespace: string}
---@return filo.Survey
local function new(given) return setmetatable(given, Survey) end

local function describe(id, fields, verified)
  return { node = id, version = fields.version, size = fields.size, deleted = fields.tombstone or nil, verified = verified }
end

local function here(self, name)
  local fields, err, _, verified = self.disk:sealed(self.namespace, name.path, 0)
  if fields and fields.key_hash == name.hash then return describe(self.id, fields, verified) end
  if not fields and err.code ~= "not_found" then return { node = self.id, problem = tostring(err) } end
  return { node = self.id, problem = "it has no copy" }
end

local function at_peer(self, name, peer)
  local found, err = self.find:at(peer, name.hash)
  if found then return describe(peer.id, found.fields, found.verified) end
  local refused = self.refusals:reason(name.hash, peer.id)
  local why = refused and "it has no copy; when it was to take one: " .. refused or "it has no copy"
  return { node = peer.id, problem = err and tostring(err) or why }
end

---As Node:copies.
---@return filo.Copy[]
function Survey:copies(name)
  local list, tasks = { here(self, name) }, {}
  for i, peer in ipairs(self.peers:list()) do
    tasks[i] = self.host.spawn_child(function() list[i + 1] = at_peer(self, name, peer) end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return list
end

return new
