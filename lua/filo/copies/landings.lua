---Landings: copies on their way in, each from its offer to its end. There are slots for some, and for a few of each peer, and room for so
---many bytes. By being slow nobody keeps the others out, with however many identities: when all slots are taken, one of the peer that
---holds most is ended for a peer that holds at least two fewer, or else the slowest that has had its turn; when the room is taken, one of
---the peer that has most of it is ended for who wants less. An owner's own copy takes the place of the same one that somebody else sends.

local errors = require "filo.base.errors"

---@class filo.Landing
---@field record string
---@field fields filo.core.Fields
---@field path string
---@field peer filo.peers.Peer
---@field partial? filo.core.Partial
---@field filling? boolean  its bytes are coming, or came
---@field transfer? table  what takes them meanwhile
---@field ended? boolean  for another peer
---@field since number  when it began
---@field promise filo.Promise  of room for it

---@class filo.Landings
---@field list filo.Landing[]  in the order in which they began
local Landings = {}
Landings.__index = Landings

---@param given {host: filo.Host, disk: table}
---@return filo.Landings
local function new(given) return setmetatable({ host = given.host, disk = given.disk, list = {} }, Landings) end

---The landing of a record.
---@param record string
---@return filo.Landing?
function Landings:get(record)
  for _, landing in ipairs(self.list) do
    if landing.record == record then return landing end
  end
end

---How many a peer has, and their bytes.
local function count(self, peer)
  local of_peer, bytes = 0, 0
  for _, landing in ipairs(self.list) do
    if landing.peer == peer then
      of_peer = of_peer + 1
      bytes = bytes + landing.fields.size
    end
  end
  return of_peer, bytes
end

---The slot is free again.
---@param landing filo.Landing
function Landings:release(landing)
  for i, each in ipairs(self.list) do
    if each == landing then
      table.remove(self.list, i)
      if landing.partial then landing.partial:close() end
      landing.promise:give_back()
      return
    end
  end
end

local function come(landing) return landing.transfer and landing.transfer:bytes() or 0 end

---Whether it may be ended. What is being opened or published takes no time from others.
local function waits(landing) return landing.transfer or landing.partial and not landing.filling end

---The one to end for a peer that has `own` of what measure(landing.peer) counts: of the peer that has most, and more than `own`, the one
---that has come least far.
local function of_the_largest(self, own, measure)
  local found, most = nil, own
  for _, landing in ipairs(self.list) do
    local has = waits(landing) and measure(landing.peer) or 0
    if has > most or found and has == most and come(landing) < come(found) then found, most = landing, has end
  end
  return found
end

---The slowest of those that have had their turn.
local function slowest(self)
  local now, found, least = self.host.now(), nil, nil
  for _, landing in ipairs(self.list) do
    local seconds = now - landing.since
    local rate = seconds > 0 and come(landing) / seconds
    local had_turn = waits(landing) and seconds >= self.host.limits.landing_turn
    if had_turn and not (found and least <= rate) then found, least = landing, rate end
  end
  return found
end

---Ends one for another, if there is one to end.
---@return boolean
local function give_way(self, landing)
  if not landing then return false end
  landing.ended = true
  if landing.transfer then landing.transfer:close() end
  self:release(landing)
  return true
end

---Makes sure of a free slot.
local function free_slot(self, own)
  if #self.list < self.host.limits.landings then return true end
  return give_way(self, of_the_largest(self, own + 1, function(peer) return (count(self, peer)) end) or slowest(self))
end

---Makes sure of room for a copy: a peer may take half of what is free without its own, all together three quarters of what is free
---without any. What a copy on its way in takes is not free any more.
local function free_room(self, size, peer)
  local free = self.disk:space()
  if size == 0 or not free then return true end
  local function bytes_of(each) return select(2, count(self, each)) end
  local own = bytes_of(peer)
  if size + own > (free + own) // 2 then return errors.fail("no_space", "one peer may fill half of what is free here") end
  local all = 0
  for _, landing in ipairs(self.list) do all = all + landing.fields.size end
  local most = (free + all) // 4 * 3
  while size + all > most do
    local landing = of_the_largest(self, own + size, bytes_of)
    if not landing then return errors.fail("no_space", "others are filling what is free here") end
    give_way(self, landing)
    all = all - landing.fields.size
  end
  return true
end

---Whether a version may be begun: nobody else sends it, or somebody else than its owner.
local function is_free(self, record, fields, peer)
  local landing = self:get(record)
  if not landing then return true end
  return peer.namespaces[fields.namespace] and landing.peer ~= peer and waits(landing) and give_way(self, landing)
end

---Takes a slot for a copy that a peer offers. nil and an error when there is none, or no room.
---@param promise filo.Promise  which ends with the landing
---@return filo.Landing?, filo.Error?
function Landings:take(record, fields, path, peer, promise)
  local own = count(self, peer)
  if not is_free(self, record, fields, peer) then return errors.fail("busy", "this version is on its way here already") end
  local ok, err = free_room(self, fields.size, peer)
  if not ok then return nil, err end
  if own >= self.host.limits.landings_of_peer or not free_slot(self, own) then
    return errors.fail("busy", "too many copies are on their way here")
  end
  local landing = { record = record, fields = fields, path = path, peer = peer, since = self.host.now(), promise = promise }
  promise.landing = landing
  table.insert(self.list, landing)
  return landing
end

---Ends all of them.
function Landings:close()
  while self.list[1] do self:release(self.list[1]) end
end

return new
