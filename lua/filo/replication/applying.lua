---Applying a plan: copies are made where the policy would have them by now (moves.lua), object by object, in slices between which it may be
---paused. What others drop then, since it is one too many, they do by themselves, once the new copies have proved themselves. It goes on
---after a restart, and can be taken back: who has dropped one for a new one gets it again, and the new one goes.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_gate = require "filo.host.gate"
local sorted_keys = require "filo.base.sorted_keys"

---A copy that is made, in the place of another.
---@class filo.MoveMade
---@field key_hash string
---@field version integer
---@field to string  ID of the member that gets it
---@field from string  ID of the one that it stands for

---@class filo.ApplyState  as it is kept in the root
---@field plan string  ID of the plan
---@field what "moving"|"reverting"|"done"|"reverted"
---@field paused? boolean
---@field total integer  copies that are to be made
---@field made integer
---@field bytes integer
---@field log string[]  what can be taken back: packed, the last at the end
---@field reasons table<string, integer>  why copies were not made, and how many
---@field problem? string  why it has stopped
---@field time integer  seconds since 1970, of its begin

---How far a plan is applied.
---@class filo.Applied
---@field plan string  its ID
---@field what "moving"|"paused"|"reverting"|"done"|"reverted"
---@field made integer  copies
---@field total integer  that were to be made
---@field bytes integer  that were sent for it
---@field reasons table<string, integer>  why copies were not made, or not taken back, and how many
---@field problem? string  why it has stopped
---@field time integer  seconds since 1970, of its begin

---@class filo.Applying
---@field state? filo.ApplyState
local Applying = {}
Applying.__index = Applying

---Moves after which it is noted what is done next, and looked whether it is to stop.
local SLICE = 256

---So many can be taken back.
local LOG_MOST = 100000

local REASONS_MOST = 16

local PACKED = "<c32i8c32c32" -- key hash, version, and the raw IDs of who gets it and of the one for which that is

---@param made filo.MoveMade
local function pack(self, made)
  local unhex = self.host.crypto.unhex
  return PACKED:pack(made.key_hash, made.version, unhex(made.to), unhex(made.from))
end

---@return filo.MoveMade
local function unpack(self, packed)
  local key_hash, version, to, from = PACKED:unpack(packed)
  return { key_hash = key_hash, version = version, to = self.host.crypto.hex(to), from = self.host.crypto.hex(from) }
end

local function save(self)
  local kept = {}
  for name, value in pairs(self.state) do kept[name] = value end
  kept.log = table.concat(self.state.log)
  local ok, err = self.host.applied.save(self.root, self.host.encode(kept))
  if not ok then self.host.log("error", "how far a plan is applied cannot be noted: " .. tostring(err)) end
end

local function refuse(self, reason)
  local reasons = self.state.reasons
  if not reasons[reason] and #sorted_keys(reasons) >= REASONS_MOST then reason = "other reasons" end
  reasons[reason] = (reasons[reason] or 0) + 1
end

local function pause(self, problem) self.state.paused, self.state.problem = true, problem end

-- Moving ----------------------------------------------------------------------------------------------------------------------

---Notes what some moves are about to make, so that it can be taken back, whatever happens meanwhile.
---@param moves filo.Move[]
local function note_moves(self, moves)
  local log = self.state.log
  for _, move in ipairs(moves) do
    for i, id in ipairs(move.to) do
      local row, from = move.item.row, move.from[i]
      local made = from and { key_hash = row.key_hash, version = row.version, to = id, from = from }
      if made and #log < LOG_MOST then log[#log + 1] = pack(self, made) end
    end
  end
  save(self)
end

---Makes the copies of one object.
---@param move filo.Move
local function carry_out(self, move)
  local state, row = self.state, move.item.row
  for _, id in ipairs(move.to) do
    move.item.reason = nil
    self.repair:copy(move.item, id, { made = 0 })
    if move.item.reason then
      refuse(self, move.item.reason)
    elseif not move.item.gone and not move.item.outdated then
      state.made, state.bytes = state.made + 1, state.bytes + row.size
    end
  end
end

---@param moves filo.Move[]
local function carry_out_all(self, moves)
  if not moves[1] then return end
  note_moves(self, moves)
  for _, move in ipairs(moves) do
    if self.state.paused or self.state.what ~= "moving" then return end
    carry_out(self, move)
  end
end

---Whether it is to stop here: paused, or what was planned is no more what would be.
local function should_stop(self)
  local state = self.state
  if not state.paused and self.moves:plan_id() ~= state.plan then
    pause(self, "the members, or the policy, are others than when it was planned: see 'filo plan'")
  end
  return state.paused or state.what ~= "moving"
end

---Goes over all objects once. Whether somebody who is to get copies is away.
---@return boolean
local function move_all(self)
  local slice, waits = {}, false
  self.moves:each(nil, function(move, ideal)
    local is_away = ideal.away[1] ~= nil
    waits = waits or is_away and move.to[1] ~= nil
    if move.to[1] and not is_away then slice[#slice + 1] = move end
    if #slice < SLICE then return false end
    if should_stop(self) then return true end
    carry_out_all(self, slice)
    slice = {}
  end)
  if not should_stop(self) then carry_out_all(self, slice) end
  return waits
end

-- Taking back ------------------------------------------------------------------------------------------------------------------

local function connected(self, id)
  local peer = self.peers:get(id)
  if peer then return peer end
  return errors.fail("unreachable", ("node %s is not connected"):format(id:sub(1, 16)))
end

---Takes one back. The one that was dropped for it is made again first.
---@param made filo.MoveMade
---@return true?, filo.Error?
local function take_back(self, made)
  local path, err = self.names:path(made.key_hash)
  if not path then return nil, err end
  local to, from, version
  to, err = connected(self, made.to)
  if to then from, err = connected(self, made.from) end
  if from then version, err = self.version_of(made) end
  if not version then return nil, err end
  local answer
  answer, err = self.spread:copy(from, version)
  if version.object then version.object:close() end
  if not answer then return nil, err end
  return self.deleting:withdraw({ hash = made.key_hash, path = path, key = "an object" }, to)
end

---What cannot be taken back now stays in the list: a member is away, or another relies on a copy for now.
---@return number?  seconds until that is tried again
local function revert_all(self)
  local state, left, count = self.state, {}, 0
  state.reasons = {}
  while state.log[1] and not state.paused do
    local packed = table.remove(state.log)
    local ok, err = take_back(self, unpack(self, packed))
    if ok then
      state.made = math.max(0, state.made - 1)
    elseif err.code ~= "not_found" and err.code ~= "exists" then -- of those it is gone already, or another one is there
      left[#left + 1] = packed
      refuse(self, tostring(err))
    end
    count = count + 1
    if count % SLICE == 0 then save(self) end
  end
  for i = #left, 1, -1 do state.log[#state.log + 1] = left[i] end
  if state.paused then return nil end
  if left[1] then return self.host.limits.repair_again end
  state.what = "reverted"
end

-- When ------------------------------------------------------------------------------------------------------------------------

local function is_under_way(state) return state and (state.what == "moving" or state.what == "reverting") end

---Does what is to be done, once. For how long to wait for who is away; nil: it is over, or stopped.
---@return number?
local function work(self)
  local state = self.state
  if state.what == "reverting" then return revert_all(self) end
  local waits = move_all(self)
  if state.paused or state.what ~= "moving" then return nil end
  if waits then return self.host.limits.repair_again end
  state.what = "done"
end

local function run(self)
  while true do
    self.woken:wait_for(function() return is_under_way(self.state) and not self.state.paused end)
    local ok, seconds = errors.try(work, self)
    if not ok then pause(self, errors.text(seconds)) end
    save(self)
    if ok and seconds then self.woken:wait(seconds) end
  end
end

-- What is asked for --------------------------------------------------------------------------------------------------------

---Begins, with the plan that somebody has seen.
---@param plan string  its ID
---@return filo.ApplyState?, filo.Error?
function Applying:begin(plan)
  local before = self.state
  local is_void = before and before.paused and before.problem and before.plan ~= plan
  if self.beginning or is_under_way(before) and not is_void then
    return errors.fail("exists", "a plan is being applied: let it end, or take it back, first")
  end
  self.beginning = true
  local _ <close> = at_end(function() self.beginning = false end)
  local made = self.moves:plan()
  if made.id ~= plan then
    local sentence = "there is no plan '%s', or not any more: the members, or the policy, may be others by now; see 'filo plan'"
    return errors.fail("invalid", sentence:format(format.printable(plan)))
  end
  self.state = {
    plan = plan, what = "moving", total = made.moving, made = 0, bytes = 0, log = is_void and before.log or {}, reasons = {},
    time = self.host.time() // 1000000,
  }
  save(self)
  self.woken:wake()
  return self.state
end

---@param what "pause"|"continue"|"revert"
---@return filo.ApplyState?, filo.Error?
function Applying:change(what)
  local state = self.state
  if not state then return errors.fail("not_found", "no plan was applied: 'filo plan' shows one") end
  if what ~= "revert" and not is_under_way(state) then
    return errors.fail("invalid", ("plan %s is not under way any more: 'filo plan' makes another one"):format(state.plan))
  end
  if what == "revert" and state.what == "reverted" then
    return errors.fail("invalid", "it has been taken back already: 'filo plan' makes another one")
  end
  if what == "revert" then state.what, state.reasons = "reverting", {} end
  state.paused = what == "pause" or nil
  state.problem = nil
  save(self)
  self.woken:wake()
  return state
end

---How far it is.
---@return filo.Applied?
function Applying:status()
  local state = self.state
  if not state then return nil end
  return {
    plan = state.plan, what = state.paused and "paused" or state.what, made = state.made, total = state.total, bytes = state.bytes,
    reasons = state.reasons, problem = state.problem, time = state.time,
  }
end

---Takes what the root has.
local function restore(self)
  local state = self.loaded and self.host.decode(self.loaded)
  if type(state) ~= "table" or type(state.plan) ~= "string" or type(state.log) ~= "string" then return end
  local log, size = {}, PACKED:packsize()
  for at = 1, #state.log - size + 1, size do log[#log + 1] = state.log:sub(at, at + size - 1) end
  state.log, self.state = log, state
end

---@param given {host: filo.Host, root: string, loaded: string|false, peers: filo.Peers, names: filo.Names, tasks: filo.Tasks,
---  moves: filo.Moves, repair: filo.Repair, spread: filo.Spread, deleting: filo.Deleting,
---  version_of: fun(made: filo.MoveMade): filo.Version?, filo.Error?}
---  loaded: what the root has; version_of: what lies here of it, if it is still that version
---@return filo.Applying
return function(given)
  local self = setmetatable(given, Applying)
  self.woken = new_gate(given.host)
  restore(self)
  self.tasks:spawn(run, self)
  return self
end
