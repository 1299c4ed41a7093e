---The generation of a namespace's secrets that this node writes with: the largest that it knows of. It goes up when somebody rotates, and
---nodes learn of that by what other writers claim when they connect, and by the records of the namespace.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"
local new_locks = require "filo.host.lock"
local retry = require "filo.replication.retry"

---The last that a record can tell of.
local LAST = (1 << 32) - 1

---@class filo.Generation
---@field number integer
---@field fresh boolean  nothing was noted here when the node started: peers may know better
---@field asking integer  peers that have come and are being asked
---@field latest number  no writer waits for them beyond that
---@field changed? fun()  called when it has gone up
local Generation = {}
Generation.__index = Generation

---@param given {host: filo.Host, root: string, peers: filo.Peers, tasks: filo.Tasks, namespace: string, writes: boolean,
---  noted?: integer, shared: fun(): boolean}  shared: whether other nodes may write the namespace, too
---@return filo.Generation
local function new(given)
  return setmetatable({
    host = given.host, root = given.root, peers = given.peers, tasks = given.tasks, namespace = given.namespace, writes = given.writes,
    shared = given.shared, number = given.noted or 0, noted = given.noted, fresh = given.noted == nil, asking = 0, latest = 0,
    answered = new_gate(given.host), turns = new_locks(given.host),
  }, Generation)
end

local function save(self, number)
  local ok, err = self.host.generations.save(self.root, self.namespace, number, self.noted)
  if ok then self.noted = math.max(number, self.noted or 0) end
  return ok, err
end

---It is at least this one, says a record that its namespace has signed, or who has proved to write that.
---@param number integer
function Generation:learn(number)
  if not self.writes or number <= self.number then return end
  self.number = number
  local ok, err = save(self, number)
  if not ok then
    self.host.log("error", "the keys of a namespace were changed at another node, which could not be noted here: " .. tostring(err))
  end
  if self.changed then self.changed() end
end

---Makes the next one, which is noted before anything is written with it.
---@return integer?, filo.Error?
function Generation:next()
  local _ <close> = self.turns:take "next"
  if self.number >= LAST then
    return errors.fail("invalid", "its keys were changed 4294967295 times, which is as often as they can be: a writer of it did so")
  end
  local number = self.number + 1
  local ok, err = save(self, number)
  if not ok then return nil, errors.wrap(err, "the next keys cannot be noted, and nothing was changed") end
  self.number = math.max(self.number, number)
  if self.changed then self.changed() end
  return number
end

-- What peers know -----------------------------------------------------------------------------------------------------------

---@class filo.GenerationPlace  where the objects of older generations go on, at the peer that told of them
---@field generation integer
---@field id integer

---The fields of a record that a peer told of.
local function read(self, record)
  local fields, err = self.host.store.parse(record)
  if not fields then return nil, err end
  if fields.namespace ~= self.namespace then return errors.fail("protocol", "it told of another namespace") end
  self:learn(fields.generation)
  fields.record = record
  return fields
end

---Whether a place is beyond another.
---@param from? filo.GenerationPlace
---@param to filo.GenerationPlace
local function goes_on(from, to)
  return not from or to.generation > from.generation or to.generation == from.generation and to.id > from.id
end

---What a peer has of the namespace that is of an older generation than this one; the largest that it has is learnt.
---@param peer filo.peers.Peer
---@param place? filo.GenerationPlace
---@return filo.core.Fields[]?, filo.GenerationPlace|filo.Error|nil  each with its record; where to go on, nil: there is no more
function Generation:outdated(peer, place)
  local question = { namespace = self.namespace, below = self.number, place = place }
  local answer, err = retry(self.host, peer.across_takeover, peer, peer.ask, "generations", question)
  if not answer then return nil, err end
  local list = {}
  local latest, problem = true, nil
  if answer.latest then latest, problem = read(self, answer.latest) end
  if not latest then return nil, problem end
  for _, record in ipairs(answer.records) do
    local fields, why = read(self, record)
    if not fields then return nil, why end
    if not fields.tombstone and fields.generation < question.below then list[#list + 1] = fields end
  end
  if answer.place and not goes_on(place, answer.place) then return errors.fail("protocol", "it lists the same again and again") end
  return list, answer.place
end

---The first question to a peer that has come, for which writers wait.
local function ask_first(self, peer)
  local _ <close> = at_end(function()
    self.asking = self.asking - 1
    self.answered:wake()
  end)
  return self:outdated(peer)
end

---A peer has come. Where something may be known there that is not known here, it is asked.
---@param peer filo.peers.Peer
function Generation:meet(peer)
  if not self.writes or not (self.fresh or self.shared()) then return end
  self.asking, self.latest = self.asking + 1, self.host.now() + self.host.limits.generations
  self.tasks:spawn(function()
    local list, err = ask_first(self, peer)
    while not list and err.code == "busy" and not peer.gone do -- it makes its catalogue
      self.host.sleep(self.host.limits.rotate_again)
      list, err = self:outdated(peer)
    end
    if list and self.noted == nil then save(self, self.number) end
  end)
end

---Before something is written: waits for the answers of peers that have just come, but not for long.
function Generation:settle()
  if self.asking == 0 then return end
  self.answered:wait_for(function() return self.asking == 0 end, math.max(0, self.latest - self.host.now()))
end

return new
