---Landings: copies on their way in, each from its offer to its end. There are places for some, and for a few of each peer. When all are
---taken, one of the peer that holds most is ended for a peer that holds at least two fewer: by being slow, nobody keeps the others out.

local errors = require "filo.base.errors"

local landings = {}

---@class filo.Landing
---@field record string
---@field fields filo.core.Fields
---@field path string
---@field peer filo.Peer
---@field partial? filo.core.Partial
---@field filling? boolean  its bytes are coming, or came
---@field transfer? table  what takes them meanwhile
---@field ended? boolean  for another peer

---How many a peer has, and their bytes.
local function count(node, peer)
  local of_peer, bytes = 0, 0
  for _, landing in pairs(node.landings) do
    if landing.peer == peer then
      of_peer = of_peer + 1
      bytes = bytes + landing.fields.size
    end
  end
  return of_peer, bytes
end

---The place is free again.
function landings.release(node, landing)
  if node.landings[landing.record] ~= landing then return end
  node.landings[landing.record] = nil
  if landing.partial then landing.partial:close() end
end

local function come(landing) return landing.transfer and landing.transfer:bytes() or 0 end

---The one to end for a peer that has `own`: of the peer that has most, the one that has come least far. What is being opened or published
---takes no time from others.
local function one_to_end(node, own)
  local found, most = nil, own + 1
  for _, landing in pairs(node.landings) do
    local waits = landing.transfer or landing.partial and not landing.filling
    local has = waits and count(node, landing.peer) or 0
    if has > most or found and has == most and come(landing) < come(found) then found, most = landing, has end
  end
  return found
end

---Makes sure of a place.
local function make_place(node, own)
  local all = 0
  for _ in pairs(node.landings) do all = all + 1 end
  if all < node.host.limits.landings then return true end
  local landing = one_to_end(node, own)
  if not landing then return false end
  landing.ended = true
  if landing.transfer then landing.transfer:close() end
  landings.release(node, landing)
  return true
end

---Takes a place for a copy that a peer offers. nil and an error when there is none, or when one peer's would take more than half of what
---is free without them (a copy on its way in has taken its blocks already).
---@return filo.Landing?, filo.Error?
function landings.take(node, record, fields, path, peer)
  local free = node.disk:space()
  local own, bytes = count(node, peer)
  if node.landings[record] then return errors.fail("busy", "this version is on its way here already") end
  if fields.size > 0 and free and fields.size + bytes > (free + bytes) // 2 then
    return errors.fail("no_space", "one peer may fill half of what is free here")
  end
  if own >= node.host.limits.landings_of_peer or not make_place(node, own) then
    return errors.fail("busy", "too many copies are on their way here")
  end
  local landing = { record = record, fields = fields, path = path, peer = peer }
  node.landings[record] = landing
  return landing
end

return landings
