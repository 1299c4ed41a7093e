---Surveying: every copy of an object, wherever it is, and what is wrong with those that are missing.

local find = require "filo.replication.find"
local names = require "filo.node.names"

local survey = {}

---@class filo.Copy
---@field node string  ID of the node
---@field version? integer  of the copy; nil: there is none
---@field size? integer
---@field deleted? boolean  it is a tombstone
---@field problem? string  why there is none, or why it is not known

local function describe(id, fields, problem)
  if not fields then return { node = id, problem = problem } end
  return { node = id, version = fields.version, size = fields.size, deleted = fields.tombstone or nil }
end

local function here(node, name)
  local fields, err = names.stat(node, name)
  return describe(node.id, fields, not fields and (err.code == "not_found" and "it has no copy" or tostring(err)))
end

local function at_peer(node, name, peer)
  local found, err = find.at(node, peer, node.namespace, name.hash)
  return describe(peer.id, found and found.fields, err and tostring(err) or "it has no copy")
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
