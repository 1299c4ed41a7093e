---Finding: asks all peers for a key, and settles on the newest record that verifies. Those that should have it are asked for the content
---with it, where it is small. All are asked at once what they have, since the newest counts: who should have it may have missed it.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_gate = require "filo.host.gate"
local new_locks = require "filo.host.lock"
local versions = require "filo.copies.versions"

---@class filo.Find
local Find = {}
Find.__index = Find

---@param given {host: filo.Host, peers: filo.Peers, hooks: filo.Hooks, tasks: filo.Tasks, holders: filo.Holders, namespace: string,
---  generation: filo.Generation, likely: fun(namespace: string, key_hash: string): table<string, true>}
---  likely: IDs of those who should have an object
---@return filo.Find
local function new(given)
  return setmetatable({
    host = given.host, peers = given.peers, hooks = given.hooks, tasks = given.tasks, holders = given.holders,
    namespace = given.namespace, generation = given.generation, likely = given.likely, verifying = new_locks(given.host),
  }, Find)
end

---Reports a bad copy at a peer, and asks the peer to look at it.
function Find:bad_copy(peer, fields, err)
  self.peers.report("warning", peer.id, "bad copy", ("%s gave a bad copy: %s"):format(tostring(peer), tostring(err)))
  self.hooks:announce("corrupt", fields, peer, err)
  self.tasks:spawn(peer.across_takeover, peer, peer.request, "check", { namespace = fields.namespace, key_hash = fields.key_hash })
end

-- One peer ----------------------------------------------------------------------------------------------------------------

---Several peers give the same record at a time: its signature is verified once.
local function parse(self, record)
  local _ <close> = self.verifying:take(record)
  return self.host.store.parse(record)
end

---One answer, checked: nothing when the peer has nothing; nil and an error when it lies.
local function check(self, peer, key_hash, answer)
  if not answer.record then return nil end
  local fields, err = parse(self, answer.record)
  if fields and (fields.namespace ~= self.namespace or fields.key_hash ~= key_hash) then
    err = errors.new("corrupt", "the record is another object's")
  elseif fields and answer.body and not self.host.store.vouches(answer.record, answer.body) then
    err = errors.new("corrupt", "the content does not match its record")
  elseif fields then
    if not fields.tombstone then self.holders:note(peer.id) end
    self.generation:learn(fields.generation)
    return { fields = fields, record = answer.record, body = answer.body, holders = { peer }, verified = answer.verified }
  end
  self:bad_copy(peer, { namespace = self.namespace, key_hash = key_hash }, err)
  return nil, err
end

---What one peer has: {fields, record, body, holders}; nil when it has nothing; nil and an error when it does not say, or lies.
---@param without_content? boolean  else a small object comes whole
---@param sign? number  as for Peer:request
function Find:at(peer, key_hash, without_content, sign)
  local question = { namespace = self.namespace, key_hash = key_hash, without_content = without_content or peer:rate "down" ~= nil }
  local answer, err = peer:across_takeover(peer.ask, "find", question, self.host.limits.find, sign)
  if not answer then return nil, err end
  return check(self, peer, key_hash, answer)
end

-- All peers ---------------------------------------------------------------------------------------------------------------

---Round trips within which an answer comes, though something is lost on the way.
local ROUND_TRIPS = 4

---Asks all at once.
---@class filo.Search
---@field host filo.Host
---@field tasks filo.Task[]
---@field silent table<integer, number>  who has not answered, by index: seconds that an answer may take on its way
---@field left integer  how many these are
---@field peers filo.peers.Peer[]  who is asked
---@field told table<integer, true>  who has told what it has, if only that it is nothing, by index
---@field failed integer  how many do not say, or lie
---@field best? table  the newest that was found
---@field since? number  when the first was found
---@field moved filo.Gate  opened with each answer, if only that a task was cancelled

local function merge(best, found)
  if not best or versions.newer(found.fields, best.fields) then return found end
  if found.record == best.record then
    table.insert(best.holders, found.holders[1])
    best.body = best.body or found.body
  end
  return best
end

local function take(search, index, good, told)
  search.left, search.silent[index] = search.left - 1, nil
  if told then search.told[index] = true else search.failed = search.failed + 1 end
  if good then
    search.best = merge(search.best, good)
    search.since = search.since or search.host.now()
  end
  search.moved:wake()
end

local function ask_one(self, search, index, key_hash, without_content, sign)
  local good, err, told
  local _ <close> = at_end(function() take(search, index, good, told) end)
  good, err = self:at(search.peers[index], key_hash, without_content, sign)
  told = not err
end

---So many are asked for the content, too.
local GIVERS = 2

---Who is asked for the content, too: of those that should have it the nearest.
---@return table<filo.peers.Peer, true>
local function givers_of(self, peers, key_hash)
  local likely = #peers > GIVERS and self.likely(self.namespace, key_hash) or {}
  local list, givers = table.move(peers, 1, #peers, 1, {}), {}
  table.sort(list, function(a, b)
    if likely[a.id] ~= likely[b.id] then return likely[a.id] == true end
    local far, near = a.rtt or math.huge, b.rtt or math.huge
    if far ~= near then return far < near end
    return a.id < b.id
  end)
  for i = 1, math.min(GIVERS, #list) do givers[list[i]] = true end
  return givers
end

---@param sign? number  as for Peer:request
---@return filo.Search
local function ask_all(self, peers, key_hash, sign)
  local givers = givers_of(self, peers, key_hash)
  local search = {
    host = self.host, tasks = {}, silent = {}, left = #peers, failed = 0, moved = new_gate(self.host), peers = peers, told = {},
  }
  for i, peer in ipairs(peers) do
    search.silent[i] = ROUND_TRIPS * (peer.rtt or 0)
    search.tasks[i] = self.tasks:spawn(ask_one, self, search, i, key_hash, not givers[peer], sign)
  end
  return search
end

local function not_found(key, asked, failed)
  local why = asked == 0 and "no peers are connected to ask"
    or asked == 1 and "the one peer that was asked " .. (failed == 0 and "does not have it" or "gave no good answer")
    or failed == 0 and ("none of %d peers has it"):format(asked)
    or ("%d of %d peers gave no good answer"):format(failed, asked)
  if failed > 0 and failed < asked then why = why .. ", the others do not have it" end
  return errors.fail("not_found", ("'%s' is not here, and %s"):format(key, why), { key = key, retryable = failed > 0 or nil })
end

---So many are not connected.
local function too_few_peers(key, count, least)
  local sentence = "%s connected, and %d must tell what they have of '%s': nobody was asked"
  return errors.new("unreachable", sentence:format(format.count(count, "peer is", "peers are"), least, key), { key = key })
end

local function too_few(key, asked, told, least)
  local sentence = "%d of %s that could be asked told what they have of '%s', and %d must"
  return errors.new("unreachable", sentence:format(told, format.count(asked, "peer", "peers"), key, least), { key = key })
end

---The longest way of those who have not answered.
local function longest_way(search)
  local longest = 0
  for _, seconds in pairs(search.silent) do longest = math.max(longest, seconds) end
  return longest
end

---The IDs of those who have not told what they have.
---@return string[]
local function list_unheard(search)
  local list = {}
  for i, peer in ipairs(search.peers) do
    if not search.told[i] then list[#list + 1] = peer.id end
  end
  return list
end

---How many have told what they have, if only that it is nothing.
local function count_told(search) return #search.tasks - search.left - search.failed end

---Waits until all answers are there, or, once there is a good one and `least` have told what they have, for `patience` seconds since the
---first good one and as long as those that are missing take on their way; or until it is certain that there will not be so many.
local function collect(host, search, patience, least)
  local began = host.now()
  while search.left > 0 and #search.tasks - search.failed >= least do
    local deadline = began + 2 * host.limits.find -- each is asked for no longer than limits.find, in its turn
    if search.best and count_told(search) >= least then
      local first = math.max(began, search.since)
      deadline = math.min(deadline, math.max(first + patience, began + patience + longest_way(search)))
    end
    if not search.moved:wait(deadline - host.now()) then return end
  end
end

---Goes on listening to those who are late: they become holders, too, or have something newer.
local function listen_on(self, search, later)
  local found = search.best
  local count, over = #found.holders, false

  ---Waits for one more holder than there were at the last time; false when none will come.
  function found.wait_for_holder()
    search.moved:wait_for(function() return #found.holders > count or over end)
    local more = #found.holders > count
    count = #found.holders
    return more
  end

  self.tasks:spawn(function()
    local _ <close> = at_end(function()
      over = true
      search.moved:wake()
    end)
    collect(self.host, search, self.host.limits.find, 0)
    if versions.newer(search.best.fields, found.fields) then later(search.best) end
  end)
end

---The newest version that peers have: {fields, record, body, holders, wait_for_holder, unheard}; unheard: IDs of peers that had not told
---what they have. nil and not_found as soon as all said no, and again who had not. With `later`, peers that answer late are still heard:
---they join the holders, and when one has a newer version, later(found) is called. least: so many peers must have told what they have,
---else it is nil and "unreachable".
---@param later? fun(found: table)
---@param least? integer
---@param beside? boolean  there is an answer here: who shows no sign of life is not waited for as long as else
---@return table?, filo.Error?, string[]?
function Find:newest(name, later, least, beside)
  least = least or 0
  local peers = self.peers:list()
  if #peers < least then return nil, too_few_peers(name.key, #peers, least), #peers end
  local search = ask_all(self, peers, name.hash, beside and self.host.limits.sign or nil)
  local listening = false
  local _ <close> = at_end(function()
    if listening then return end
    for _, each in ipairs(search.tasks) do each:cancel() end
  end)
  collect(self.host, search, self.host.limits.patience, least)
  local found, unheard = search.best, list_unheard(search)
  if count_told(search) < least then return nil, too_few(name.key, #peers, count_told(search), least), unheard end
  if not found then
    local _, err = not_found(name.key, #peers, search.failed)
    return nil, err, unheard
  end
  found.unheard = unheard
  listening = later ~= nil and search.left > 0
  if listening then listen_on(self, search, later) end
  return found
end

return new
