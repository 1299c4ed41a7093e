---Leading: one horizon of a namespace, as who leads makes it (forgetting.lua).

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local have = require "filo.replication.have"

local PAIR = ">c32I8" -- key hash, version: as those who take part tell of what they have

local MOST = 512 -- who take part: a horizon names them

---One horizon, as its leader makes it.
---@class filo.ForgettingRun
---@field namespace string
---@field space table  parts of the namespace
---@field peers filo.peers.Peer[]  who takes part
---@field members string[]  their raw IDs, and this node's
---@field horizon integer
---@field changed? boolean  somebody was behind, and has just been told of a deletion

---Who takes part beside this node: all members, and who else is noted to have copies. nil: one of them is not connected.
---@return filo.peers.Peer[]?, filo.Error?
local function participants(self, namespace)
  local list, others = {}, self:others_of(namespace)
  if not others then return errors.fail("io", "who has copies cannot be read") end
  if #others >= MOST then return errors.fail("too_large", ("more than %d nodes have copies"):format(MOST)) end
  for i, id in ipairs(others) do
    list[i] = self.peers:get(id)
    if not list[i] then return errors.fail("unreachable", ("node %s is away"):format(id:sub(1, 16))) end
  end
  return list
end

---Asks all who take part the same at once. Their answers, or what went wrong with one.
---@param run filo.ForgettingRun
---@return table[]?, filo.Error?
local function ask_all(self, run, step)
  local tasks, answers, problem = {}, {}, nil
  local question = { namespace = run.namespace, horizon = run.horizon, step = step }
  if step == "begin" then question.known, question.members = self.horizons:known(run.namespace), table.concat(run.members) end
  for i, peer in ipairs(run.peers) do
    tasks[i] = self.host.spawn_child(function()
      local err
      answers[i], err = peer:ask("forget", question, self.host.limits.forget_ask)
      if not answers[i] then problem = errors.wrap(err, tostring(peer)) end
    end)
  end
  for _, task in ipairs(tasks) do task:join() end
  if problem then return nil, problem end
  return answers
end

---Makes sure that each who takes part holds nothing older than some deletions.
---@param run filo.ForgettingRun
---@param peer filo.peers.Peer
---@param list {record: string, version: integer, key_hash: string, path: string, namespace: string}[]
---@return true?, filo.Error?
local function ensure_at(self, run, peer, list)
  for turn = 1, 2 do
    local there, err = have.ask(self, peer, list)
    if not there then return nil, err end
    local told = false
    for i, each in ipairs(there) do
      if each.unread then return errors.fail("busy", ("%s cannot tell what it has"):format(tostring(peer))) end
      local is_older = each.version and each.version < list[i].version
      if is_older and turn == 2 then return errors.fail("denied", ("%s keeps what was deleted"):format(tostring(peer))) end
      if (is_older or not each.version) and turn == 1 then
        told = run.space.tombstones:tell(peer, list[i]) or told
      end
    end
    run.changed = run.changed or told
  end
  return true
end

---@return true?, filo.Error?
local function ensure(self, run, list)
  local tasks, problem = {}, nil
  if not list[1] then return true end
  for i, peer in ipairs(run.peers) do
    tasks[i] = self.host.spawn_child(function()
      local ok, err = ensure_at(self, run, peer, list)
      if not ok then problem = err end
    end)
  end
  for _, task in ipairs(tasks) do task:join() end
  if problem then return nil, problem end
  return true
end

---The deletion at a path here, if it is one up to the horizon.
local function read_here(self, run, path)
  local fields, record = self.disk:stat(run.namespace, path)
  if not fields or not fields.tombstone or fields.version > run.horizon then return nil end
  return { record = record, version = fields.version, key_hash = fields.key_hash, path = path, namespace = run.namespace }
end

---All deletions here are known to all.
local function ensure_own(self, run)
  local batch, ok, err = {}, true, nil
  for row in self.catalogue:tombstones(run.namespace) do
    if row.problem and row.problem ~= "corrupt" then return errors.fail("busy", "not all that lies here can be read") end
    local path = not row.problem and (row.path or self.names:path(row.key_hash))
    batch[#batch + 1] = path and read_here(self, run, path) or nil
    if #batch == self.host.limits.asked then
      ok, err = ensure(self, run, batch)
      batch = {}
    end
    if not ok then return nil, err end
  end
  if self.catalogue:has_unread(run.namespace) then return errors.fail("busy", "not all that lies here can be read") end
  return ensure(self, run, batch)
end

---A deletion that another has and this node has not: all are told of it, this node, too.
---@param peer filo.peers.Peer
---@return true?, filo.Error?
local function take_over(self, run, peer, key_hash, path)
  local found, err = run.space.find:at(peer, key_hash, true)
  if err then return nil, err end
  local fields = found and found.fields
  if not fields or not fields.tombstone or fields.version > run.horizon then return true end -- it has something newer by now, or none
  local here = self.disk:stat(run.namespace, path)
  local ok, problem = run.space.conflicts:bury(fields, found.record, path)
  if ok == nil then return nil, problem end
  run.changed = run.changed or ok and not (here and here.version >= fields.version)
  return ensure(self, run, { {
    record = found.record, version = fields.version, key_hash = key_hash, path = path, namespace = run.namespace,
  } })
end

---All deletions that one of the others has are known to all.
---@param peer filo.peers.Peer
---@return true?, filo.Error?
local function ensure_theirs(self, run, peer)
  local after = 0
  while true do
    local question = { namespace = run.namespace, horizon = run.horizon, after = after }
    local answer, err = peer:ask("buried", question, self.host.limits.forget_ask)
    if not answer then return nil, err end
    for at = 1, #answer.buried, PAIR:packsize() do
      local key_hash, version = PAIR:unpack(answer.buried, at)
      local path = self.names:path(key_hash)
      local mine = path and read_here(self, run, path)
      local ok = mine ~= nil and mine.version >= version
      if not ok then ok, err = take_over(self, run, peer, key_hash, path) end
      if not ok then return nil, err end
    end
    if answer.buried == "" then return true end
    if answer.after <= after then return errors.fail("protocol", ("%s tells the same again"):format(tostring(peer))) end
    after = answer.after
  end
end

---@return true?, filo.Error?
local function ensure_all(self, run)
  local ok, err = ensure_own(self, run)
  for _, peer in ipairs(run.peers) do
    if ok then ok, err = ensure_theirs(self, run, peer) end
  end
  if ok and run.changed then -- with durability "none" that may not be on the disk yet
    return errors.fail("busy", "somebody has just been told of a deletion: next time")
  end
  return ok, err
end

---A time that has settled by the clocks of all: in microseconds, as versions are. nil and nothing: nobody has a deletion of before.
---@return integer?, filo.Error?
local function choose(self, run)
  local answers, err = ask_all(self, run, "ask")
  if not answers then return nil, err end
  local least, any = self.host.time(), self:has_settled(run.namespace)
  for _, answer in ipairs(answers) do
    least, any = math.min(least, answer.time or 0), any or answer.settled
  end
  return any and least - math.floor(self.host.limits.forget_settle * 1000000) or nil
end

---@return true?, filo.Error?
local function carry_out(self, run)
  local horizons = self.horizons
  run.space.versions:pass(run.horizon)
  local ok, err = self.intake:freeze(run.namespace, run.horizon)
  if ok then ok, err = ask_all(self, run, "begin") end
  if ok then ok, err = ensure_all(self, run) end
  local now = self.intake:preparing(run.namespace)
  if ok and not (now and now.horizon == run.horizon) then ok, err = errors.fail("timeout", "it took too long") end
  if ok then ok, err = ask_all(self, run, "acknowledge") end
  if ok then ok, err = horizons:vouch(run.namespace, run.horizon) end
  if ok then ok, err = horizons:sign(run.space.keys, run.horizon, run.members) end
  if ok == false then return errors.fail("exists", "a later horizon is known") end
  return ok and true, err
end

---Whether this node is the one that leads.
local function leads(self, namespace)
  for _, peer in ipairs(self.peers:list()) do
    if peer.namespaces[namespace] and self.is_member(peer) and peer.id < self.id then return false end
  end
  return true
end

---Forgets what may be forgotten of a namespace. nil and nothing: there is nothing to do.
---@param self filo.Forgetting
---@param space table
---@return boolean?, filo.Error?
return function(self, space)
  local namespace = space.namespace
  if self.horizons:is_in_doubt(namespace) or not leads(self, namespace) then return nil end
  local peers, err = participants(self, namespace)
  if not peers then return nil, err end
  if self.intake:preparing(namespace) then return errors.fail("busy", "another horizon is being prepared") end
  local run = { namespace = namespace, space = space, peers = peers, members = { self.raw_id }, horizon = 0 }
  for i, peer in ipairs(peers) do run.members[i + 1] = self.host.crypto.unhex(peer.id) end
  run.horizon, err = choose(self, run)
  if not run.horizon then return nil, err end
  if run.horizon <= self.horizons:guard(namespace) then return nil end
  local _ <close> = at_end(function()
    self.intake:thaw(namespace)
    for _, peer in ipairs(peers) do
      if not peer.gone then
        self.tasks:spawn(peer.ask, peer, "forget", { namespace = namespace, horizon = run.horizon, step = "end" })
      end
    end
  end)
  return carry_out(self, run)
end
