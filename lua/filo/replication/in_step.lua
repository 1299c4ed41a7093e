---In step: whether this node and a peer say the same of what both hold. Each has a set: of the versions that lie there, and that the other
---is known to hold (beliefs.lua). They are compared by prints (core/catalogue/prints.c): of all; where these differ, of 256 buckets; of the
---leaves of those that differ; and then by the marks in these. What one has and the other did not know of is known from then on, and
---what is not there any more is not. So what differs is found with a few KiB, however much there is.
---
---They are compared when they connect, and when the set has changed here since they were alike, which is looked at now and then: two
---nodes where nothing happens say nothing. It goes by catalogues: what a disk has lost without that one's knowledge is not seen.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_gate = require "filo.host.gate"
local new_locks = require "filo.host.lock"
local retry = require "filo.replication.retry"

---Bytes of a salt, of a print and of a mark; leaves of each bucket, and of all.
local SALT, PRINT, MARK, LEAVES, ALL_LEAVES = 16, 8, 16, 64, 16384

---Marks that an answer is about, at least, which leaves out leaves: each has some more than that at most.
local LEAST = 1024

---So often all that differs is gone over, while more may be changing.
local ROUNDS = 3

---How this node and a peer are, over one connection.
---@class filo.Step
---@field peer filo.peers.Peer
---@field alike? boolean  the last time that they compared
---@field comparing? boolean  this node asks the peer
---@field salt? string  with which they were ...
---@field print? string  ... and the print
---@field at number  when that was, or was seen to be so still
---@field due number  until then it is not tried again, since they did not come to be
---@field pause number

---@class filo.InStep
---@field steps table<string, filo.Step>  by the ID of the peer
---@field looks integer
local InStep = {}
InStep.__index = InStep

---@return filo.Step
local function step_of(self, peer)
  local step = self.steps[peer.id]
  if step and step.peer == peer then return step end
  step = { peer = peer, at = -math.huge, due = -math.huge, pause = self.host.limits.in_step }
  self.steps[peer.id] = step
  return step
end

local function raw(self, peer) return self.host.crypto.unhex(peer.id) end

local function note_alike(self, step, salt, print)
  step.alike, step.salt, step.print, step.at = true, salt, print, self.host.now()
  step.due, step.pause = -math.huge, self.host.limits.in_step
  self.came:wake()
end

-- Asking ----------------------------------------------------------------------------------------------------------------

local function lies(peer, what) return errors.fail("protocol", ("%s %s"):format(tostring(peer), what), { peer = peer.id }) end

local function ask(self, peer, topic, body) return retry(self.host, peer.across_takeover, peer, peer.ask, topic, body) end

---Numbers, from 0, of the prints that two lists have not in common.
---@return integer[]
local function differing(mine, theirs)
  local list = {}
  for at = 1, #mine, PRINT do
    if mine:sub(at, at + PRINT - 1) ~= theirs:sub(at, at + PRINT - 1) then list[#list + 1] = at // PRINT end
  end
  return list
end

---A range of leaves.
---@class filo.Leaves
---@field first integer
---@field last integer

---Leaves, rising, as ranges.
---@param leaves integer[]
---@return filo.Leaves[]
local function ranges_of(leaves)
  local list = {}
  for _, leaf in ipairs(leaves) do
    local range = list[#list]
    if range and range.last == leaf - 1 then range.last = leaf else list[#list + 1] = { first = leaf, last = leaf } end
  end
  return list
end

---What there is in some ranges from one leaf to before another one, as it is sent, up to so many ranges.
---@param ranges filo.Leaves[]
---@return string
local function pack_leaves(ranges, from, to, most)
  local list = {}
  for _, range in ipairs(ranges) do
    local first, last = math.max(range.first, from), math.min(range.last, to - 1)
    if first <= last and #list < most then list[#list + 1] = (">I2I2"):pack(first, last) end
  end
  return table.concat(list)
end

---Tells a peer which marks of some leaves this node has, and learns from it what differs. Gives the leaf that comes next, and the marks
---that the peer took to be here, and are not.
---@param ranges filo.Leaves[]
---@param from integer  the first leaf of them
---@param gone string  such marks of those before
---@return integer?, string|filo.Error
local function settle_some(self, peer, ranges, from, gone)
  local node, most = raw(self, peer), self.host.limits.in_step_leaves
  local leaves = pack_leaves(ranges, from, ALL_LEAVES, most)
  local past = leaves == "" and ALL_LEAVES or (">I2"):unpack(leaves, #leaves - 1) + 1
  local mine, to = self.catalogue:marks(node, leaves)
  if not mine then return nil, to end
  to = math.min(to, past)
  local answer, err = ask(self, peer, "marks", { leaves = pack_leaves(ranges, from, to, most), marks = mine, gone = gone })
  if not answer then return nil, err end
  local compares = leaves == "" and answer.more == "" or leaves ~= "" and answer.to > from
  local cut = answer.to < to and #answer.more + #mine < MARK * LEAST
  if not compares or cut then return lies(peer, "compares nothing of what it was asked for") end
  if answer.lacks ~= "" then self.missed(answer.lacks) end
  local ok
  ok, err = self.catalogue:believe(node, answer.lacks, false)
  if not ok then return nil, err end
  gone, err = self.catalogue:believe(node, answer.more, true)
  if not gone then return nil, err end
  return math.min(to, answer.to), gone
end

---The same of many leaves.
---@param ranges filo.Leaves[]  rising
---@return true?, filo.Error?
local function settle_leaves(self, peer, ranges)
  local last = ranges[#ranges] and ranges[#ranges].last or -1
  local from, gone = ranges[1] and ranges[1].first or 0, ""
  while from <= last or gone ~= "" do
    local began = self.host.now()
    local next_from, next_gone = settle_some(self, peer, ranges, from, gone)
    if not next_from then return nil, next_gone end
    from, gone = next_from, next_gone
    if from <= last then self.host.sleep((self.host.now() - began) * self.host.limits.in_step_share) end
  end
  return true
end

---Settles what differs in some buckets.
---@param buckets integer[]
---@return true?, filo.Error?
local function settle_buckets(self, peer, salt, buckets)
  local question = { salt = salt, buckets = string.char(table.unpack(buckets)) }
  local answer, err = ask(self, peer, "prints", question)
  if not answer then return nil, err end
  local mine
  mine, err = self.catalogue:prints(raw(self, peer), salt, question.buckets)
  if not mine then return nil, err end
  if #answer.prints ~= #mine then return lies(peer, "gives more or fewer prints than it was asked for") end
  local leaves = {}
  for _, i in ipairs(differing(mine, answer.prints)) do leaves[#leaves + 1] = buckets[i // LEAVES + 1] * LEAVES + i % LEAVES end
  return settle_leaves(self, peer, ranges_of(leaves))
end

---Settles all that differs.
---@param theirs string  the prints of the peer's buckets; empty: it has so few that it is told of all
---@return true?, filo.Error?
local function settle(self, peer, salt, theirs)
  if theirs == "" then return settle_leaves(self, peer, { { first = 0, last = ALL_LEAVES - 1 } }) end
  local mine, err = self.catalogue:prints(raw(self, peer), salt)
  if not mine then return nil, err end
  if #theirs ~= #mine then return lies(peer, "gives more or fewer prints than there are buckets") end
  local buckets, at_once = differing(mine, theirs), self.host.limits.in_step_buckets
  for first = 1, #buckets, at_once do
    local ok, problem = settle_buckets(self, peer, salt, table.move(buckets, first, math.min(first + at_once - 1, #buckets), 1, {}))
    if not ok then return nil, problem end
  end
  return true
end

---Compares all with a peer.
---@param step filo.Step
---@return boolean? alike, string|filo.Error|nil  the prints of its buckets, where they are not
---@return string? salt
local function compare_once(self, step)
  self.beliefs:flush()
  local salt = self.host.random(SALT)
  local print, err = self.catalogue:print(raw(self, step.peer), salt)
  if not print then return nil, err end
  local answer
  answer, err = ask(self, step.peer, "print", { salt = salt, print = print })
  if not answer then return nil, err end
  if answer.prints then return false, answer.prints, salt end
  note_alike(self, step, salt, print)
  return true
end

---@param step filo.Step
---@return true?, filo.Error?
local function compare(self, step)
  step.alike = nil
  for _ = 1, ROUNDS do
    local alike, prints, salt = compare_once(self, step)
    if alike or alike == nil then return alike, prints end
    local ok, err = settle(self, step.peer, salt, prints)
    if not ok then return nil, err end
  end
  return errors.fail("busy", ("what is known at %s of what both hold changes faster than it can be compared"):format(tostring(step.peer)))
end

---After these a peer is not to blame.
local PASSES = { busy = true, closed = true, unreachable = true, timeout = true, cancelled = true }

---Whether they were alike just now.
local function is_fresh(self, step) return step.alike and self.host.now() - step.at < self.host.limits.in_step_fresh end

---Brings this node and a peer in step, if that can be done.
---@param step filo.Step
---@return filo.Error? err  why it could not be done just now
local function meet(self, step)
  local _ <close> = self.locks:take(step.peer.id)
  self.catalogue:wait()
  local limits = self.host.limits
  if step.peer.gone or self.host.now() < step.due or is_fresh(self, step) then return end
  if self.catalogue:state() ~= "ready" then return end
  step.comparing = true
  local _ <close> = at_end(function() step.comparing = nil end)
  local ok, err = compare(self, step)
  if ok then return end
  step.due, step.pause = self.host.now() + step.pause, math.min(2 * step.pause, limits.in_step_most)
  if PASSES[err.code] then return err end
  local sentence = "what %s holds cannot be compared, so that it is asked for each object: %s"
  self.peers.report("warning", step.peer.id, "not in step " .. err.code, sentence:format(tostring(step.peer), tostring(err)))
  return err
end

-- When ------------------------------------------------------------------------------------------------------------------

---A peer has come: of two, the one with the smaller ID asks.
---@param peer filo.peers.Peer
function InStep:visit(peer)
  if self.id < peer.id then self.tasks:spawn(meet, self, step_of(self, peer)) end
end

---Waits until this node and a peer are in step, unless that cannot be; for some time, where the peer is at it.
---@param peer filo.peers.Peer
---@param seconds number
function InStep:wait(peer, seconds)
  local step = step_of(self, peer)
  local err = meet(self, step)
  if not err or err.code ~= "busy" then return end
  self.came:wait_for(function() return step.alike or peer.gone ~= nil end, seconds)
end

---Whether what both hold may not be what it was when they compared it last.
local function has_changed(self, step)
  if not step.alike then return true end
  return self.catalogue:print(raw(self, step.peer), step.salt) ~= step.print
end

---Compares again with a peer if something has changed. At both ends it mostly has: the one with the smaller ID asks first.
---@param step filo.Step
local function look_at(self, step)
  if self.id > step.peer.id then self.host.sleep(self.host.limits.in_step / 2) end
  if not has_changed(self, step) then return end
  step.alike = nil
  meet(self, step)
end

---Looks at all peers; those that are not connected any more are forgotten.
local function look(self)
  local before = self.steps
  self.steps = {}
  for _, peer in ipairs(self.peers:list()) do
    local step = before[peer.id]
    if step and step.peer == peer then self.steps[peer.id] = step end
    step = step_of(self, peer)
    if has_changed(self, step) then self.tasks:spawn(look_at, self, step) end
  end
end

---All that lies here is about to be looked after. Each time peers are asked about another part of it in any case: they look at their files.
function InStep:begin_look() self.looks = self.looks + 1 end

---Which of some versions that lie here a peer holds, as both say; nil: it has to be asked.
---@param peer filo.peers.Peer
---@param rows filo.CatalogueRow[]
---@return boolean[]?  false: that has to be asked
function InStep:held(peer, rows)
  local step, share = step_of(self, peer), self.host.limits.in_step_looks
  if not is_fresh(self, step) then
    if has_changed(self, step) then meet(self, step) else step.at = self.host.now() end -- a change over there is told from there
  end
  if not step.alike then return nil end
  local known = self.beliefs:known(peer, rows)
  for i, row in ipairs(rows) do known[i] = known[i] and row.key_hash:byte(-1) % share ~= self.looks % share end
  return known
end

-- Answering ---------------------------------------------------------------------------------------------------------------

---What cannot be told. The sentence, with paths of this machine, is for the log here.
local function failed(self, peer, err)
  if err.code == "busy" then return errors.fail("busy", "it is making its catalogue") end
  self.peers.report("warning", peer.id, "not compared " .. err.code, "what a peer holds, too, could not be compared: " .. tostring(err))
  return errors.fail("io", "its catalogue cannot be used")
end

---Whether all is alike; if not, the prints of the buckets, or none where that many bytes tell more by marks.
local function answer_print(self, peer, body)
  local step, node = step_of(self, peer), raw(self, peer)
  if step.comparing and self.id < peer.id then return errors.fail("busy", "it is comparing already") end -- not twice the same
  self.beliefs:flush()
  local mine, count = self.catalogue:print(node, body.salt)
  if not mine then return failed(self, peer, count) end
  if mine == body.print then
    note_alike(self, step, body.salt, mine)
    return {}
  end
  step.alike = nil
  if count <= self.host.limits.in_step_few then return { prints = "" } end
  local prints, err = self.catalogue:prints(node, body.salt)
  if not prints then return failed(self, peer, err) end
  return { prints = prints }
end

---The prints of the leaves of some buckets.
local function answer_prints(self, peer, body)
  local prints, err = self.catalogue:prints(raw(self, peer), body.salt, body.buckets)
  if not prints then return failed(self, peer, err) end
  return { prints = prints }
end

---What a peer has in some leaves is compared with what is here.
local function answer_marks(self, peer, body)
  local node = raw(self, peer)
  if body.gone ~= "" then self.missed(body.gone) end
  local ok, err = self.catalogue:believe(node, body.gone, false)
  if not ok then return failed(self, peer, err) end
  local lacks, more, to = self.catalogue:settle(node, body.leaves, body.marks)
  if not lacks then return failed(self, peer, more) end
  return { lacks = lacks, more = more, to = to }
end

---Answers peers, and compares, from now on.
function InStep:start()
  self.peers:handle("print", function(body, peer) return answer_print(self, peer, body) end)
  self.peers:handle("prints", function(body, peer) return self.turns:serve(peer, answer_prints, self, peer, body) end)
  self.peers:handle("marks", function(body, peer) return self.turns:serve(peer, answer_marks, self, peer, body) end)
  self.tasks:spawn(function()
    while true do
      self.host.sleep(self.host.limits.in_step)
      look(self)
    end
  end)
end

---@param given {host: filo.Host, peers: filo.Peers, tasks: filo.Tasks, catalogue: filo.Catalogue, beliefs: filo.Beliefs,
---  turns: filo.Turns, id: string, missed: fun(marks: string)}  missed: a peer lacks what it had
---@return filo.InStep
return function(given)
  given.steps, given.looks, given.locks, given.came = {}, 0, new_locks(given.host), new_gate(given.host)
  return setmetatable(given, InStep)
end
