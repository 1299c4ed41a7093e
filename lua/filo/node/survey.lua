---Surveying: every copy of an object, wherever it is, and what is wrong with those that are missing.

local find = require "filo.replication.find"
local refusals = require "filo.replication.refusals"

local survey = {}

---@class filo.Copy
---@field node string  ID of the node
---@field version? integer  of the copy; nil: there is none
---@field size? integer
---@field deleted? boolean  it is a tombstone
---@field verified? integer  seconds since 1970: when the node last read and checked all of it, or wrote it
---@field problem? string  why there is none, or why it is not known

local function describe(id, fields, verified)
  return { node = id, version = fields.version, size = fields.size, deleted = fields.tombstone or nil, verified = verified }
end

local function here(node, name)
  local fields, err, _, verified = node.disk:sealed(node.namespace, name.path, 0)
  if fields and fields.key_hash == name.hash then return describe(node.id, fields, verified) end
  if not fields and err.code ~= "not_found" then return { node = node.id, problem = tostring(err) } end
  return { node = node.id, problem = "it has no copy" }
end

local function at_peer(node, name, peer)
  local found, err = find.at(node, peer, node.namespace, name.hash)
  if found then return describe(peer.id, found.fields, found.verified) end
  local refused = refusals.reason(node, name.hash, peer.id)
  local why = refused and "it has no copy; when it was to take one: " .. refused or "it has no copy"
  return { node = peer.id, problem = err and tostring(err) or why }
end

---As Node:copies.
---@return filo.Copy[]
function survey.copies(node, name)
  local list, tasks = { here(node, name) }, {}
  local peers = node.peer_list:list()
  for i, peer in ipairs(peers) do
    tasks[i] = node.host.spawn_child(function() list[i + 1] = at_peer(node, name, peer) end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return list
end

return survey
