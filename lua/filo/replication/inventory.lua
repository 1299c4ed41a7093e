---What a peer holds of a namespace: it is asked for some at a time, and where it should go on.

local errors = require "filo.base.errors"
local retry = require "filo.replication.retry"

---Where a list goes on, at the peer that gave it, for as long as its catalogue lives.
---@class filo.ListPlace
---@field after integer
---@field life? string  nil: at the beginning

---@class filo.Inventory
local Inventory = {}
Inventory.__index = Inventory

---@param given {host: filo.Host, peers: filo.Peers, holders: filo.Holders, namespace: string}
---@return filo.Inventory
local function new(given) return setmetatable(given, Inventory) end

local function lies(peer, what) return errors.fail("protocol", ("%s %s"):format(tostring(peer), what), { peer = peer.id }) end

---What comes in the list of a peer: records that nobody has verified, in the order in which they came to lie there, and deletions.
---@param peer filo.peers.Peer
---@param place filo.ListPlace
---@return string[]?, filo.ListPlace|filo.Error  where to go on; after the same as before, in the same life: there is no more
function Inventory:page(peer, place)
  local question = { namespace = self.namespace, after = place.after, life = place.life }
  local answer, err = retry(self.host, peer.across_takeover, peer, peer.ask, "list", question)
  if not answer and err.code == "unsupported" then
    local sentence = "%s runs an older Filo, which cannot be asked what it holds"
    return errors.fail("unsupported", sentence:format(tostring(peer)), { peer = peer.id })
  end
  if not answer then return nil, errors.wrap(err, ("%s does not list what it holds"):format(tostring(peer)), { peer = peer.id }) end
  local before = answer.life == place.life and place.after or 0
  if answer.after < before or answer.after == before and answer.records[1] then return lies(peer, "lists the same again and again") end
  return answer.records, { after = answer.after, life = answer.life }
end

---The fields of records that must be of this namespace.
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

---The next of what a peer says that it has, and where to go on; nil at the end; nil and an error when it does not say, or lies.
---@param id string  of the peer
---@param place filo.ListPlace
---@return filo.core.Fields[]?, filo.ListPlace|filo.Error|nil  each with its record
function Inventory:next(id, place)
  local peer = self.peers:get(id)
  if not peer then return errors.fail("unreachable", ("node %s is not connected any more"):format(id), { peer = id }) end
  local records, place_after = self:page(peer, place)
  if not records then return nil, place_after end
  if place.life and place_after.life ~= place.life then
    return errors.fail("closed", ("%s has made its catalogue anew meanwhile: ask it once more"):format(tostring(peer)), { peer = id })
  end
  if place_after.after == place.after then return nil end
  local entries, err = read(self, peer, records)
  if not entries then return nil, err end
  if entries[1] then self.holders:note(id) end
  return entries, place_after
end

return new
