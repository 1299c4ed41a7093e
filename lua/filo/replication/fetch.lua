---Fetching: the chunks of one version from several holders at once, in runs; a holder that is slow, stops or lies is
---dropped and its run given to another.

local errors = require "filo.errors"
local find = require "filo.replication.find"

---Chunks of a run; runs that one holder sends at once; seconds without a byte before a run is taken away.
local RUN, RUNS_AT_ONCE, STALL_SECONDS = 16, 2, 5

local fetch = {}

local function chunks_of(found) return (found.fields.size + (1 << 20) - 1) >> 20 end

---Whether nothing is missing.
function fetch.is_whole(found, partial) return partial:missing(0) >= chunks_of(found) end

local function new_state(node, found, partial)
  return {
    node = node, found = found, partial = partial, chunks = chunks_of(found), next = 0, returned = {}, active = {}, failed = {},
    workers = 0,
  }
end

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

---Fetches one run from one holder.
local function fetch_run(state, holder, run, hashes)
  local fields = state.found.fields
  local answer, err = holder:request("read", {
    namespace = fields.namespace, key_hash = fields.key_hash, version = fields.version,
    hashes = hashes, first = run.first, count = run.count,
  })
  if not answer then return nil, err end
  local transfer <close>, problem = holder:receive_object(answer.stream, state.partial, hashes, run.first, run.count)
  if not transfer then return nil, problem end
  state.active[transfer] = { bytes = 0, since = state.node.host.now() }
  local _ <close> = setmetatable({}, { __close = function() state.active[transfer] = nil end })
  local ok
  ok, err = transfer:join()
  if not ok and err.code == "cancelled" then return errors.fail("timeout", "it sent nothing for a while") end
  return ok, err
end

---The holder is not asked again for this version.
local function give_up(state, holder, err)
  state.failed[holder] = true
  state.problem = errors.wrap(err, tostring(holder), { peer = holder.id })
  if err.code == "corrupt" then return find.bad_copy(state.node, holder, state.found.fields, err) end
  state.node.host.log("warning", ("a copy from %s is given up: %s"):format(tostring(holder), tostring(err)))
end

---Takes runs until none is left or the holder fails.
local function work(state, holder)
  while true do
    local hashes = not state.partial:has_hashes()
    local run = take_run(state)
    if not run then return end
    local called, ok, err = pcall(fetch_run, state, holder, run, hashes)
    if not called then ok, err = nil, ok end
    if not ok then
      give_back(state, run)
      if errors.is_cancelled(err) and not called then error(err, 0) end
      return give_up(state, holder, err)
    end
  end
end

---Closes transfers that make no progress: their workers then give the run back.
local function watch(state)
  local host = state.node.host
  while true do
    host.sleep(1)
    for transfer, seen in pairs(state.active) do
      local bytes = transfer:bytes()
      if bytes > seen.bytes then seen.bytes, seen.since = bytes, host.now() end
      if host.now() - seen.since > STALL_SECONDS and state.workers > 1 then transfer:close() end
    end
  end
end

local function start_worker(state, holder)
  state.workers = state.workers + 1
  state.node:spawn(function()
    local _ <close> = setmetatable({}, { __close = function()
      state.workers = state.workers - 1
      state.ended:send(true)
    end })
    work(state, holder)
  end)
end

---The hash list must be complete before chunks can come: the first holder that can gives it, with the first run.
local function fetch_list(state, holders)
  for _, holder in ipairs(holders) do
    if state.partial:has_hashes() then return end
    local run = take_run(state)
    local ok, err = fetch_run(state, holder, run, true)
    if ok then return end
    give_back(state, run)
    give_up(state, holder, err)
  end
end

local function good_holders(state)
  local good = {}
  for _, holder in ipairs(state.found.holders) do
    if not state.failed[holder] and not holder.gone then good[#good + 1] = holder end
  end
  return good
end

---Fetches what is missing of the partial from the holders. Returns when it is whole, or nil and an error when no holder is left.
---@return true?, filo.Error?
function fetch.run(node, found, partial)
  local state = new_state(node, found, partial)
  state.ended = node.host.channel(#found.holders * RUNS_AT_ONCE)
  fetch_list(state, found.holders)
  local watcher = node:spawn(watch, state)
  local _ <close> = setmetatable({}, { __close = function() watcher:cancel() end })
  for _, holder in ipairs(good_holders(state)) do
    for _ = 1, RUNS_AT_ONCE do start_worker(state, holder) end
  end
  while not fetch.is_whole(found, partial) do
    if state.workers == 0 then -- a run may have been given back after the others had ended
      local holder = good_holders(state)[1]
      if not holder then return nil, state.problem or errors.new("io", "no holder is left") end
      start_worker(state, holder)
    end
    state.ended:receive()
  end
  return true
end

return fetch
