---Fetching: the chunks of one version from several holders at once, in runs. One that stops or lies is given up, and its run goes to
---another; so does the run of one that is far slower than another, which goes on to be asked only when nobody else is there.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"
local new_stall_watch = require "filo.host.stall"
local retry = require "filo.replication.retry"

---Chunks of a run; runs that one holder sends at once.
local RUN, RUNS_AT_ONCE = 16, 2

---A run that will take longer than these seconds is taken away from a holder when another is so many times faster.
local SLOW_SECONDS, FASTER = 2, 4

---@class filo.Fetch  the fetch of one version
---@field failed table<string, true>  IDs of holders that are not asked again
---@field rates table<string, number>  by the ID of a holder: bytes a second of its last run
---@field active table[]  {holder, transfer, run, hashes, began, watch} of each that moves
---@field taken_over table<string, filo.peers.Peer>  by the ID of a holder: it over the connection from which another took over
local Fetch = {}
Fetch.__index = Fetch

---@param given {host: filo.Host, find: filo.Find, peers: filo.Peers, tasks: filo.Tasks, found: table, partial: userdata}
---@return filo.Fetch
local function new(given)
  return setmetatable({
    host = given.host, find = given.find, peers = given.peers, tasks = given.tasks, found = given.found, partial = given.partial,
    chunks = chunks.count(given.host, given.found.fields.size), next = 0, returned = {}, active = {}, failed = {}, taken_over = {},
    rates = {}, workers = 0, moved = new_gate(given.host),
  }, Fetch)
end

---Whether nothing is missing.
function Fetch:is_whole() return self.partial:missing(0) >= self.chunks end

-- Runs ----------------------------------------------------------------------------------------------------------------

---The next run that nobody is fetching: first chunk and count. A run given back goes first, so that a reader in order is not kept waiting.
local function take_run(self)
  local run = table.remove(self.returned)
  if run then return run end
  local first = self.partial:missing(self.next)
  if first >= self.chunks then return nil end
  local count = 1
  while count < RUN and first + count < self.chunks and not self.partial:has(first + count) do count = count + 1 end
  self.next = first + count
  return { first = first, count = count }
end

---What is left of a run after a failure.
local function give_back(self, run)
  local first = self.partial:missing(run.first)
  local last = run.first + run.count
  if first < last then table.insert(self.returned, { first = first, count = last - first }) end
end

-- Holders -------------------------------------------------------------------------------------------------------------

---Those that may be asked, each over the connection that is there by now, or that is about to be.
local function good_holders(self)
  local good = {}
  for _, found in ipairs(self.found.holders) do
    local holder = self.peers:get(found.id) or found
    if not self.failed[holder.id] and (not holder.gone or holder.taken_over) then good[#good + 1] = holder end
  end
  return good
end

---The same, once there is one: waits for those that have not answered yet whether they have it.
local function wait_for_holders(self)
  local good = good_holders(self)
  local wait = self.found.wait_for_holder
  while #good == 0 and wait and wait() do good = good_holders(self) end
  return good
end

local function has_others(self, holder)
  local good = good_holders(self)
  return #good > 1 or good[1] ~= nil and good[1].id ~= holder.id
end

---How long a holder may be silent: less when another can take its place.
local function stall_seconds(self, holder)
  local limits = self.host.limits
  return has_others(self, holder) and limits.stall or limits.last_stall
end

---The holder is not asked again for this version. What else it had under way fails for the same reason, whatever it says.
local function give_up(self, holder, err)
  if self.failed[holder.id] then return end
  self.failed[holder.id] = true
  self.problem = errors.wrap(err, tostring(holder), { peer = holder.id })
  if err.code == "corrupt" then return self.find:bad_copy(holder, self.found.fields, err) end
  self.peers.report("warning", holder.id, "given up", ("a copy from %s is given up: %s"):format(tostring(holder), tostring(err)))
end

---The holder over the connection that took over from the one over which it failed. Once, so that one that dials for ever is given up.
local function successor(self, holder, err)
  local before = self.taken_over[holder.id] or holder
  if before ~= holder then return nil end
  self.taken_over[holder.id] = holder
  return holder:successor(err)
end

-- Slow ones --------------------------------------------------------------------------------------------------------------

---Bytes a second of a transfer so far.
local function measure(self, each)
  local seconds = self.host.now() - each.began
  if seconds > 0 then self.rates[each.holder.id] = each.transfer:bytes() / seconds end
end

local function is_idle(self, holder)
  for _, each in ipairs(self.active) do
    if each.holder.id == holder.id then return false end
  end
  return true
end

---Another holder that is so much faster than `rate`; one that has nothing to do and was never measured may be.
local function find_faster(self, holder, rate)
  local best, most = nil, FASTER * rate
  for _, other in ipairs(good_holders(self)) do
    local known = self.rates[other.id] or is_idle(self, other) and math.huge or 0
    if other.id ~= holder.id and known > most then best, most = other, known end
  end
  return best
end

---The holder that should take what a transfer has left, if it is far too slow.
local function relief_of(self, each)
  if self.peers.settings.rates.now.down then return nil end -- it may be slow because this node is
  local rate = self.rates[each.holder.id]
  local left = chunks.bytes_of(self.host, self.found.fields.size, each.hashes, each.run.first, each.run.count) - each.transfer:bytes()
  if not rate or left < SLOW_SECONDS * rate then return nil end
  return find_faster(self, each.holder, rate)
end

local start_worker

---Looks at what moves: ends transfers that make no progress, or next to none, and gives what others have left to those who are faster.
local function watch(self)
  while true do
    self.host.sleep(self.host.limits.stall / 5)
    for _, each in ipairs(table.move(self.active, 1, #self.active, 1, {})) do
      measure(self, each)
      each.stalled = each.watch:stalled(stall_seconds(self, each.holder))
      local faster = not each.stalled and relief_of(self, each)
      each.relieved = faster ~= nil and faster ~= false
      if each.stalled or each.relieved then each.transfer:close() end
      if faster and not each.hashes then
        give_back(self, each.run)
        start_worker(self, faster)
      end
    end
  end
end

-- Fetching ------------------------------------------------------------------------------------------------------------

local function ask_for_run(self, holder, run, hashes, seconds)
  local fields = self.found.fields
  return holder:ask("read", {
    namespace = fields.namespace, key_hash = fields.key_hash, version = fields.version,
    hashes = hashes, first = run.first, count = run.count,
  }, seconds or stall_seconds(self, holder))
end

---Watches a transfer until the end of the scope.
local function watch_transfer(self, holder, transfer, run, hashes)
  local each = {
    holder = holder, transfer = transfer, run = run, hashes = hashes, began = self.host.now(),
    watch = new_stall_watch(self.host, function() return transfer:bytes() end, function() return holder:rate "down" end),
  }
  table.insert(self.active, each)
  return each, at_end(function()
    if not each.stalled then measure(self, each) end
    for i, other in ipairs(self.active) do
      if other == each then return table.remove(self.active, i) end
    end
  end)
end

---Fetches one run, or the hash list, from one holder.
---@param seconds? number  for its answer; as long as it may be silent when left out
---@return true?, filo.Error?, "relieved"|"line"|nil spared  a faster one does it instead; or its bulk line has failed, and not the holder
local function fetch_run(self, holder, run, hashes, seconds)
  local answer, err = retry(self.host, ask_for_run, self, holder, run, hashes, seconds)
  if not answer then return nil, err end
  local transfer <close>, line = holder:receive_object(answer, self.partial, hashes, run.first, run.count)
  if not transfer then return nil, line, answer.bulk and "line" or nil end
  local watched, watching = watch_transfer(self, holder, transfer, run, hashes)
  local _ <close> = watching
  local ok
  ok, err = transfer:join()
  if not ok and watched.relieved then return nil, err, "relieved" end
  if watched.stalled then ok, err = errors.fail("timeout", "it sends nothing, or next to nothing") end
  return ok, err, not ok and holder:has_lost(line, err) and "line" or nil
end

---Takes a run and fetches it from a holder, whose turn it is. Gives the holder to go on with, if it has not failed and no run is left.
local function step(self, holder)
  local run = not self.over and take_run(self)
  if not run then return nil end
  local ok, err, spared = fetch_run(self, holder, run, false)
  if ok then return holder end
  if spared == "relieved" then return nil end
  give_back(self, run)
  if spared == "line" then return holder end
  local next_holder = successor(self, holder, err)
  if not next_holder then give_up(self, holder, err) end
  return next_holder
end

---The same, in the holder's turn. A holder that has none for us in all that time has failed.
local function step_in_turn(self, holder)
  local turn <close>, err = holder:turn "reads_of_peer"
  if turn then return step(self, holder) end
  if not self.over then give_up(self, holder, err) end
end

function start_worker(self, holder)
  self.workers = self.workers + 1
  self.tasks:spawn(function()
    local _ <close> = at_end(function()
      self.workers = self.workers - 1
      self.moved:wake()
    end)
    while holder do holder = step_in_turn(self, holder) end
  end)
end

---What a holder has to send when it is asked for the hash list alone.
local NO_CHUNKS = { first = 0, count = 0 }

---How long a holder may take to answer when there are others: those are asked before it is known whether it is only slow.
local function hasty_seconds(self, holder) return self.host.limits.patience + 4 * (holder.rtt or 0) end

---Asks one holder for the hash list: alone when there are others, who may be faster with the chunks. `hasty`: it is not given up when it
---does not answer at once.
local function ask_for_list(self, holder, hasty)
  local others = has_others(self, holder)
  local run = not others and take_run(self) or NO_CHUNKS
  local ok, err, spared = fetch_run(self, holder, run, true, others and hasty and hasty_seconds(self, holder) or nil)
  if ok then return end
  give_back(self, run)
  if spared or others and hasty and err.code == "timeout" then return end
  if not successor(self, holder, err) then give_up(self, holder, err) end
end

---The hash list must be complete before chunks can come: the first holder that can gives it. Each is waited for a little, in turn, so
---that one that is slow, or whose turns are all taken, keeps nobody from asking the next.
local function fetch_list(self)
  local host = self.host
  local deadline, hasty = host.now() + host.limits.turn, true
  while not self.partial:has_hashes() do
    local good = wait_for_holders(self)
    if #good == 0 then return false end
    for _, holder in ipairs(good) do
      local turn <close>, err = holder:turn("reads_of_peer", host.limits.patience)
      if turn then ask_for_list(self, holder, hasty) end
      if self.partial:has_hashes() then return true end
      if not turn and host.now() >= deadline then give_up(self, holder, err) end
    end
    hasty = false
  end
  return true
end

local function fetch_chunks(self)
  for _ = 1, RUNS_AT_ONCE do
    for _, holder in ipairs(good_holders(self)) do start_worker(self, holder) end
  end
  while not self:is_whole() do
    if self.workers == 0 then -- a run may have been given back after the others had ended
      local holder = wait_for_holders(self)[1]
      if not holder then return false end
      start_worker(self, holder)
    end
    local workers = self.workers
    self.moved:wait_for(function() return self.workers < workers or self:is_whole() end)
  end
  return true
end

---Fetches what is missing of the partial from the holders. Returns when it is whole, or nil and an error when no holder is left.
---@return true?, filo.Error?
function Fetch:run()
  local watcher = self.tasks:spawn(watch, self)
  local _ <close> = at_end(function()
    self.over = true -- for workers that are still waiting for their turn
    watcher:cancel()
  end)
  if fetch_list(self) and fetch_chunks(self) then return true end
  return nil, self.problem or errors.new("unreachable", "every peer that has it has gone")
end

return new
