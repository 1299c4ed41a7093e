---Following what peers list of the namespaces that are read here: it is noted in the catalogue, which so knows what lies at them only,
---and deletions that this node has missed take place. Each peer is asked when it comes and each minute, for what is new there, one question
---at a time; one that could not answer is asked again soon. Who lies is told of, and left alone until it comes again.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_backoff = require "filo.host.backoff"
local new_gate = require "filo.host.gate"
local new_repeats = require "filo.replication.repeats"

---So many times in a row a peer may have nothing to tell but that there is more.
local EMPTY_ANSWERS = 100

---A peer that is followed, over one connection.
---@class filo.Followed
---@field peer filo.peers.Peer
---@field busy? boolean  it is being asked
---@field again? boolean  it is to be asked once more
---@field read? boolean  all that it lists was read once
---@field over table<string, true>  namespaces of which it cannot be asked, or lies
---@field failed? boolean  it could not be asked the last time

---@class filo.Follow
---@field followed table<string, filo.Followed>  by the ID of the peer
local Follow = {}
Follow.__index = Follow

---@param given {host: filo.Host, peers: filo.Peers, tasks: filo.Tasks, spaces: fun(): table[]}  spaces: what is read wholly: parts with
---  catalogue, inventory, names, conflicts, rotating
---@return filo.Follow
local function new(given)
  local self = setmetatable({
    host = given.host, peers = given.peers, tasks = given.tasks, spaces = given.spaces, followed = {}, turned = new_gate(given.host),
  }, Follow)
  self.tasks:spawn(function()
    while true do
      self.host.sleep(self.host.limits.follow)
      self:visit_all()
    end
  end)
  return self
end

local function lies(peer, what) return errors.fail("protocol", ("%s %s"):format(tostring(peer), what), { peer = peer.id }) end

---The fields of records, and where they would lie here.
---@param repeats filo.Repeats
---@return filo.core.Fields[]?, string[]|filo.Error
local function check(self, space, peer, records, repeats)
  local entries, paths = {}, {}
  for i, record in ipairs(records) do
    local fields, err = self.host.store.peek(record)
    if not fields then return nil, errors.wrap(err, ("%s listed a bad record"):format(tostring(peer)), { peer = peer.id }) end
    if repeats:note(fields) then return lies(peer, "lists the same again and again") end
    entries[i] = fields
    paths[i], err = space.names:path(fields.key_hash)
    if not paths[i] then return nil, err end
  end
  return entries, paths
end

---A writer made it: the holder is not to blame, and the rest of its list counts.
local function report_senseless(self, peer, err)
  local sentence = "%s lists a deletion that makes no sense, and that takes nothing away here: %s"
  self.peers.report("warning", peer.id, "senseless deletion", sentence:format(tostring(peer), tostring(err)))
end

---Has deletions of what lies here take place. Gives the records without those that make no sense, and their paths.
---@param deletions integer[]  which of the records they are
---@return string[]?, string[]|filo.Error
local function bury(self, space, peer, deletions, records, entries, paths)
  local senseless, left, left_paths = {}, {}, {}
  for _, i in ipairs(deletions) do
    local ok, err = space.conflicts:bury(entries[i], records[i], paths[i])
    if ok == nil then return nil, err end
    if not ok then report_senseless(self, peer, err) end
    senseless[i] = not ok
  end
  for i, record in ipairs(records) do
    if not senseless[i] then left[#left + 1], left_paths[#left_paths + 1] = record, paths[i] end
  end
  return left, left_paths
end

---Notes a page; deletions of what lies here take place first.
---@param peer filo.peers.Peer
---@return true?, filo.Error?
local function note(self, space, peer, place, records, entries, paths)
  local id = self.host.crypto.unhex(peer.id)
  local noted, err = space.catalogue:note(id, place, records, paths)
  if noted == nil or noted == true then return noted, err end
  local left, left_paths = bury(self, space, peer, noted, records, entries, paths)
  if not left then return nil, left_paths end
  noted, err = space.catalogue:note(id, place, left, left_paths)
  if noted == nil or noted == true then return noted, err end
  return errors.fail("busy", "what lies here has just changed")
end

---Reads what a peer lists of a namespace, from where it was read to.
---@return true?, filo.Error?
local function follow(self, space, peer)
  local place, err = space.catalogue:noted(self.host.crypto.unhex(peer.id))
  local repeats, empty = new_repeats(), 0
  while place do
    local began = self.host.now()
    local records, next_place = space.inventory:page(peer, place)
    if not records then return nil, next_place end
    local from = next_place.life == place.life and place.after or 0
    if next_place.after == from then return true end
    empty = records[1] and 0 or empty + 1
    if empty > EMPTY_ANSWERS then return lies(peer, "lists nothing, again and again") end
    if next_place.life ~= place.life then repeats = new_repeats() end
    local entries, paths = check(self, space, peer, records, repeats)
    if not entries then return nil, paths end
    local ok, problem = note(self, space, peer, next_place, records, entries, paths)
    if not ok then return nil, problem end
    space.rotating:hear(peer, entries)
    place = next_place
    self.host.sleep((self.host.now() - began) * self.host.limits.follow_share)
  end
  return nil, err
end

---After these, a peer is not asked again: what it says makes no sense, or it cannot be asked.
local LIES = { protocol = true, corrupt = true, denied = true, unsupported = true }

local function give_up(self, state, space, err)
  state.failed = true
  if not LIES[err.code] then return end
  state.over[space.namespace] = true
  local sentence = "what %s lists is passed over until it comes again: %s"
  self.peers.report("warning", state.peer.id, "lists " .. err.code, sentence:format(tostring(state.peer), tostring(err)))
end

---Asks for the lists of all namespaces. False: what went wrong may have passed soon.
---@return boolean
local function ask_once(self, state)
  state.again, state.failed = nil, nil
  for _, space in ipairs(self.spaces()) do
    local ok, err = true, nil
    if not state.over[space.namespace] then ok, err = follow(self, space, state.peer) end
    if not ok then give_up(self, state, space, err) end
    if not ok and not LIES[err.code] then return false end
  end
  state.read = state.read or not state.failed
  return true
end

local function ask(self, state)
  local _ <close> = at_end(function()
    state.busy = nil
    self.turned:wake()
  end)
  local limits = self.host.limits
  local backoff = new_backoff(self.host, limits.follow_again, limits.follow)
  repeat
    local done = ask_once(self, state)
    if not done then
      self.turned:wake()
      backoff:wait()
    end
  until done and not state.again or state.peer.gone
end

---A peer has come, or there may be something new at it.
---@param peer filo.peers.Peer
function Follow:visit(peer)
  local state = self.followed[peer.id]
  if not state or state.peer ~= peer then
    state = { peer = peer, over = {} }
    self.followed[peer.id] = state
  end
  if state.busy then
    state.again = true
    return
  end
  state.busy = true
  self.tasks:spawn(ask, self, state)
end

---All who are connected. The others are forgotten.
function Follow:visit_all()
  local before = self.followed
  self.followed = {}
  for _, peer in ipairs(self.peers:list()) do
    local state = before[peer.id]
    if state and state.peer == peer then self.followed[peer.id] = state end
    self:visit(peer)
  end
end

---Whether all that a peer lists was read, since it came.
---@param id string
---@return boolean
function Follow:has_read(id)
  local state = self.followed[id]
  return state ~= nil and state.read == true
end

---Waits until all that is listed by those who are connected was read once, or could not be.
---@param seconds number  at most that long
---@return integer read  of how many it was
---@return boolean over  that many it will be; false: others are still being asked
function Follow:wait_read(seconds)
  local read
  local over = self.turned:wait_for(function()
    read = 0
    local waiting = false
    for _, peer in ipairs(self.peers:list()) do
      local state = self.followed[peer.id]
      if state and state.read then read = read + 1 else waiting = waiting or not (state and state.failed) end
    end
    return not waiting
  end, seconds)
  return read, over
end

return new
