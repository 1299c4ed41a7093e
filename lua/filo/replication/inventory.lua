---What a peer holds of this node's: it is asked for some at a time, and where it should go on.

local errors = require "filo.base.errors"
local is_after = require "filo.copies.path_order"
local retry = require "filo.replication.retry"

---@class filo.Inventory
local Inventory = {}
Inventory.__index = Inventory

---@param given {host: filo.Host, peers: filo.Peers, holders: filo.Holders, namespace: string}
---@return filo.Inventory
local function new(given) return setmetatable(given, Inventory) end

local function lies(peer, what) return errors.fail("protocol", ("%s %s"):format(tostring(peer), what), { peer = peer.id }) end

---The fields of records that must be this node's own.
local function read(self, peer, records)
  local entries = {}
  for i, record in ipairs(records) do
    local fields, err = self.host.store.parse(record)
    if not fields then return nil, errors.wrap(err, ("%s listed a bad record"):format(tostring(peer)), { peer = peer.id }) end
    if fields.namespace ~= self.namespace then return lies(peer, "listed somebody else's record") end
    fields.record = record
    entries[i] = fields
  end
  return entries
end

---The next of what a peer says that it has, and from where on there may be more; nil and an error when it does not say, or lies.
---@param id string  of the peer
---@param after? string  as the call before gave it; nil: from the beginning
---@return filo.core.Fields[]?, string|filo.Error|nil  each with its record
function Inventory:next(id, after)
  local peer = self.peers:get(id)
  if not peer then return errors.fail("unreachable", ("node %s is not connected any more"):format(id), { peer = id }) end
  local question = { namespace = self.namespace, after = after }
  local answer, err = retry(self.host, peer.across_takeover, peer, peer.ask, "list", question)
  if not answer and err.code == "unsupported" then
    local sentence = "%s runs an older Filo, which cannot be asked what it holds"
    return errors.fail("unsupported", sentence:format(tostring(peer)), { peer = id })
  end
  if not answer then return nil, errors.wrap(err, ("%s does not list what it holds"):format(tostring(peer)), { peer = id }) end
  if answer.after and not is_after(answer.after, after or "") then return lies(peer, "lists the same again and again") end
  local entries
  entries, err = read(self, peer, answer.records)
  if not entries then return nil, err end
  if entries[1] then self.holders:note(id) end
  return entries, answer.after
end

return new
