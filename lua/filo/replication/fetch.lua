---Fetching: the chunks of one version from several holders at once, in runs; a holder that is slow, stops or lies is
---dropped and its run given to another.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local find = require "filo.replication.find"
local new_gate = require "filo.host.gate"
local new_progress = require "filo.host.progress"
local new_set = require "filo.base.set"
local patiently = require "filo.replication.retry"

---Chunks of a run; runs that one holder sends at once.
local RUN, RUNS_AT_ONCE = 16, 2

local fetch = {}

---Whether nothing is missing.
function fetch.is_whole(node, found, partial) return partial:missing(0) >= chunks.count(node.host, found.fields.size) end

local function new_state(node, found, partial)
  return {
    node = node, found = found, partial = partial, chunks = chunks.count(node.host, found.fields.size), next = 0, returned = {},
    active = new_set(), failed = {}, workers = 0, ends = new_gate(node.host),
  }
end

-- Runs ----------------------------------------------------------------------------------------------------------------

---The next run that nobody is fetching: first chunk and count. A run given back goes first, so that a reader in order is not kept waiting.
local function take_run(state)
  local run = table.remove(state.returned)
  if run then return run end
  local first = state.partial:missing(state.next)
  if first >= state.chunks then return nil end
  local count = 1
  while count < RUN and first + count < state.chunks and not state.partial:has(first + count) do count = count + 1 end
  state.next = first + count
  return { first = first, count = count }
end

---What is left of a run after a failure.
local function give_back(state, run)
  local first = state.partial:missing(run.first)
  local last = run.first + run.count
  if first < last then table.insert(state.returned, { first = first, count = last - first }) end
end

-- Holders -------------------------------------------------------------------------------------------------------------

local function good_holders(state)
  local good = {}
  for _, holder in ipairs(state.found.holders) do
    if not state.failed[holder] and not holder.gone then good[#good + 1] = holder end
  end
  return good
end

---The same, once there is one: waits for those that have not answered yet whether they have it.
local function wait_for_holders(state)
  local good = good_holders(state)
  local wait = state.found.wait_for_holder
  while #good == 0 and wait and wait() do good = good_holders(state) end
  return good
end

local function has_others(state, holder)
  local good = good_holders(state)
  return #good > 1 or good[1] ~= holder and good[1] ~= nil
end

---How long a holder may be silent: less when another can take its place.
local function stall_seconds(state, holder)
  local limits = state.node.host.limits
  return has_others(state, holder) and limits.stall or limits.last_stall
end

---The holder is not asked again for this version. What else it had under way fails for the same reason, whatever it says.
local function give_up(state, holder, err)
  if state.failed[holder] then return end
  state.failed[holder] = true
  state.problem = errors.wrap(err, tostring(holder), { peer = holder.id })
  if err.code == "corrupt" then return find.bad_copy(state.node, holder, state.found.fields, err) end
  state.node.peer_list.report("warning", holder.id, "given up", ("a copy from %s is given up: %s"):format(tostring(holder), tostring(err)))
end

---Closes transfers that make no progress, or next to none: their workers then give the run back.
local function watch(state)
  local host = state.node.host
  while true do
    host.sleep(host.limits.stall / 5)
    for _, seen in ipairs(state.active:list()) do
      if seen.progress:stalled(stall_seconds(state, seen.holder)) then
        seen.stalled = true
        seen.transfer:close()
      end
    end
  end
end

-- Fetching ------------------------------------------------------------------------------------------------------------

local function ask_for_run(state, holder, run, hashes)
  local fields = state.found.fields
  return holder:ask("read", {
    namespace = fields.namespace, key_hash = fields.key_hash, version = fields.version,
    hashes = hashes, first = run.first, count = run.count,
  }, stall_seconds(state, holder))
end

---Fetches one run from one holder.
local function fetch_run(state, holder, run, hashes)
  local host = state.node.host
  local answer, err = patiently(host, ask_for_run, state, holder, run, hashes)
  if not answer then return nil, err end
  local transfer <close>, problem = holder:receive_object(answer.stream, state.partial, hashes, run.first, run.count)
  if not transfer then return nil, problem end
  local progress = new_progress(host, function() return transfer:bytes() end)
  local seen = { transfer = transfer, holder = holder, progress = progress }
  state.active:add(seen)
  local _ <close> = at_end(function() state.active:remove(seen) end)
  local ok
  ok, err = transfer:join()
  if seen.stalled then return errors.fail("timeout", "it sends nothing, or next to nothing") end
  return ok, err
end

---Takes a run and fetches it from a holder, whose turn it is. False when no run is left, or the holder has failed.
local function step(state, holder, hashes)
  local run = not state.over and take_run(state)
  if not run then return false end
  local ok, err = fetch_run(state, holder, run, hashes)
  if ok then return true end
  give_back(state, run)
  give_up(state, holder, err)
  return false
end

---The same, in the holder's turn. A holder that has none for us in all that time has failed.
local function step_in_turn(state, holder)
  local turn <close>, err = holder:turn "reads_of_peer"
  if turn then return step(state, holder, false) end
  if not state.over then give_up(state, holder, err) end
  return false
end

local function start_worker(state, holder)
  state.workers = state.workers + 1
  state.node:spawn(function()
    local _ <close> = at_end(function()
      state.workers = state.workers - 1
      state.ends:wake()
    end)
    while step_in_turn(state, holder) do end
  end)
end

---The hash list must be complete before chunks can come: the first holder that can gives it, with the first run. Each is waited for
---a little, in turn, so that one whose turns are all taken keeps nobody from asking the next.
local function fetch_list(state)
  local host = state.node.host
  local deadline = host.now() + host.limits.turn
  while not state.partial:has_hashes() do
    local good = wait_for_holders(state)
    if #good == 0 then return false end
    for _, holder in ipairs(good) do
      local turn <close>, err = holder:turn("reads_of_peer", host.limits.patience)
      if turn then
        step(state, holder, true)
        break
      end
      if host.now() >= deadline then give_up(state, holder, err) end
    end
  end
  return true
end

local function fetch_chunks(state)
  for _ = 1, RUNS_AT_ONCE do
    for _, holder in ipairs(good_holders(state)) do start_worker(state, holder) end
  end
  while state.partial:missing(0) < state.chunks do
    if state.workers == 0 then -- a run may have been given back after the others had ended
      local holder = wait_for_holders(state)[1]
      if not holder then return false end
      start_worker(state, holder)
    end
    state.ends:wait()
  end
  return true
end

---Fetches what is missing of the partial from the holders. Returns when it is whole, or nil and an error when no holder is left.
---@return true?, filo.Error?
function fetch.run(node, found, partial)
  local state = new_state(node, found, partial)
  local watcher = node:spawn(watch, state)
  local _ <close> = at_end(function()
    state.over = true -- for workers that are still waiting for their turn
    watcher:cancel()
  end)
  if fetch_list(state) and fetch_chunks(state) then return true end
  return nil, state.problem or errors.new("unreachable", "every peer that has it has gone")
end

return fetch
