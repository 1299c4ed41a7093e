---Spreading: carries out a plan. Copies of a version that is published here are made at peers; when one refuses, or stops taking bytes, the
---policy is asked again, with what has become of the others.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_gate = require "filo.host.gate"
local new_stall_watch = require "filo.host.stall"
local plan = require "filo.placement.plan"
local receipts = require "filo.replication.receipt"
local retry = require "filo.replication.retry"
local superseded = require "filo.replication.superseded"

---What copies are made of.
---@class filo.Version
---@field record string
---@field version integer
---@field path string
---@field key_hash string
---@field info table  key (of an own object), key_hash, namespace, version, size, class, fields: for policies and hooks
---@field amended? boolean  it has the content of an older version: who has that one needs the record only
---@field body? string  a small one, whole
---@field object? userdata  the file, open

---@class filo.Spread  how copies are made at this node
local Spread = {}
Spread.__index = Spread

---@param given {host: filo.Host, disk: table, peers: filo.Peers, tasks: filo.Tasks, hooks: filo.Hooks, refusals: filo.Refusals,
---  activity: filo.Activities, holders: filo.Holders, beliefs: filo.Beliefs, rates: filo.Rates, id: string, namespace: string,
---  plan: fun(info: table, holders: filo.Holder[], refused: table<string, true>, fresh: boolean): filo.Plan?, filo.Error?,
---  wait_for_any: (fun(ids: string[], seconds: number): boolean), anybody: (fun(): boolean),
---  missed: fun(key_hash: string), suspect: fun(namespace: string, path: string)}
---  missed: a copy was not made; suspect: the one here may be bad; wait_for_any: until one of these nodes is connected;
---  anybody: whether there is somebody who could hold a copy
---@return filo.Spread
local function new(given) return setmetatable(given, Spread) end

-- One copy ------------------------------------------------------------------------------------------------------------

---Asks the peer to take what the transfer sends, and waits as long as bytes move, and then as long as publishing may take.
local function fill(self, peer, request, transfer, total)
  local host, limits = self.host, self.host.limits
  local asking = host.spawn_child(peer.request, peer, "fill", request, math.huge):observe()
  local _ <close> = at_end(function() asking:cancel() end)
  local watch = new_stall_watch(host, function() return transfer and transfer:bytes() or total end, function() return peer:rate "up" end)
  local ended, answer, err = watch:wait(total, limits.send_stall, limits.publish, function(seconds)
    local reply, problem = asking:join(seconds)
    return reply ~= nil or asking:status() == "ended", reply, problem
  end)
  if ended then return answer, err end
  local whole = answer
  return errors.fail("timeout", whole and "it took all bytes, but does not say that it has published them"
    or "it takes no bytes, or next to none", { peer = peer.id })
end

---What a peer may take to copy an object on its own disk, where it has the content under an older record.
local function time_to_copy(self, size) return self.host.limits.request + size // self.host.limits.copied end

---Tells a peer of the record, sends what it lacks, and returns when it has published the copy. Gives the bulk line, too, if that was used.
---@return table?, filo.Error?, filo.core.Connection?
local function send_large(self, peer, version)
  local turn <close>, late = peer:turn "landings_of_peer"
  if not turn then return nil, late end
  local record = version.record
  local answer, err = peer:ask("offer", { record = record }, time_to_copy(self, version.info.size))
  if not answer or not answer.want then return answer, err end
  local object <close> = version.object:share()
  local hashes, first = answer.hashes == true, answer.want
  local transfer <close>, line = peer:send_object(object, hashes, first)
  if not transfer and line.code ~= "invalid" then return nil, line end -- invalid: nothing is missing
  if not transfer then line = nil end
  local request = {
    record = record, stream = transfer and transfer:number() or 0, hashes = transfer and hashes or false, first = first,
    bulk = line and true or nil,
  }
  local total = transfer and chunks.bytes_of(self.host, version.info.size, hashes, first) or 0
  local _ <close> = self.activity:begin("copy", { key = version.info.key, peer = peer.id, size = total },
    function() return transfer and transfer:bytes() or 0 end)
  answer, err = fill(self, peer, request, transfer, total)
  return answer, err, line
end

---The same; what a bulk line has failed to bring goes over TLS.
local function copy_large(self, peer, version)
  local answer, err, line = send_large(self, peer, version)
  if not answer and peer:has_lost(line, err) then answer, err = send_large(self, peer, version) end
  return answer, err
end

---Sends a small object within a message. A peer that keeps to a rate answers when it is time for the next.
local function send_small(self, peer, version)
  local question = { record = version.record, body = version.body }
  self.rates:wait("up", #version.body)
  if not peer.pace.down then return peer:ask("store", question) end
  local turn <close>, late = peer:turn "paced"
  if not turn then return nil, late end
  return peer:ask("store", question, self.host.limits.publish)
end

local function copy_small(self, peer, version)
  local answer, err
  if version.amended then answer, err = peer:ask("store", { record = version.record }) end
  if err or answer and not answer.want then return answer, err end
  return send_small(self, peer, version)
end

---Makes one copy at one peer; a peer that is busy is asked again in a while. The version stays the caller's to close.
---@param peer filo.peers.Peer
---@param version filo.Version
---@return {record?: string}?, filo.Error?  record: what the peer has instead, which is no older
function Spread:copy(peer, version)
  local answer, err = peer:across_takeover(function(connected)
    return retry(self.host, version.body and copy_small or copy_large, self, connected, version)
  end)
  if answer and not answer.record then self.beliefs:learn(peer, version.info) end
  if not answer and err.code == "corrupt" then self.suspect(version.info.namespace, version.path) end -- or the way there has changed it
  return answer, err
end

---Has a peer that may have the content put a newer record in the place of an older one. It says so when it wants the content, too.
---@param peer filo.peers.Peer
---@param record string
---@param size integer
---@return {record?: string, want?: boolean}?, filo.Error?  record: what the peer has instead, which is no older
function Spread:send_record(peer, record, size)
  local answer, err = retry(self.host, peer.across_takeover, peer, peer.ask, "store", { record = record }, time_to_copy(self, size))
  if answer and not answer.record and not answer.want then self.beliefs:learn(peer, self.host.store.peek(record)) end
  return answer, err
end

-- A round: one version to the peers that the policy says --------------------------------------------------------------------

---@class filo.Round
---@field spread filo.Spread
---@field version filo.Version
---@field receipt filo.Receipt
---@field how table  as carry_out takes it
---@field known filo.Holder[]  who says that it has a copy, before any was made
---@field asked table<string, true>  IDs of who was
---@field refused table<string, true>  IDs of those among them who would not take one
---@field running integer
---@field over? boolean  another version took its place
---@field problem? filo.Error  why it came to nothing
---@field unplanned? string  why nobody else was asked when a peer refused
---@field settled filo.Gate  opened when the receipt has changed
local Round = {}
Round.__index = Round

local function remove(list, value)
  for i, each in ipairs(list) do
    if each == value then return table.remove(list, i) end
  end
end

local function begin_receipt(self, receipt, version)
  receipt.version, receipt.copies, receipt.pending, receipt.refused = version.version, { self.id }, {}, {}
end

function Round:refuse(peer, reason)
  self.refused[peer.id] = true
  self.spread.missed(self.version.key_hash)
  table.insert(self.receipt.refused, { peer = peer.id, reason = reason })
  self.spread.refusals:note(self.version.key_hash, peer.id, reason)
end

---What stands for a plan where a script names the peers itself.
local function plan_of(to) return { held = {}, make = to, quorum = #to + 1, unreached = {}, away = {} } end

---What the policy says by now. To it, who is being sent a copy holds one.
---@return filo.Plan?, filo.Error?
function Round:make_plan()
  if self.how.to then return plan_of(self.how.to) end
  local holders = table.move(self.known, 1, #self.known, 1, {})
  for _, ids in ipairs { self.receipt.copies, self.receipt.pending } do
    for _, id in ipairs(ids) do holders[#holders + 1] = { node = id, version = self.version.version } end
  end
  local made, err = self.spread.plan(self.version.info, holders, self.refused, not self.how.holders)
  if made then self.receipt.lacking = made.lacking end
  return made, err
end

function Round:start_copy(peer)
  local pending = self.receipt.pending -- of this round: a later one begins another list
  self.asked[peer.id], self.running = true, self.running + 1
  table.insert(pending, peer.id)
  self.spread.tasks:spawn(self.make_copy, self, peer, pending)
end

---Starts the copies of a plan, and asks who is said to have one, so that it counts only when that is so.
---@param made filo.Plan
function Round:start(made)
  for _, ids in ipairs { made.held, made.make } do
    for _, id in ipairs(ids) do
      local peer = not self.asked[id] and self.spread.peers:get(id)
      if peer then self:start_copy(peer) end
    end
  end
  if self.running == 0 then self:release() end
end

---Sends the version to one peer, and settles what came of it.
function Round:make_copy(peer, pending)
  local called, answer, err = pcall(self.spread.copy, self.spread, peer, self.version)
  local settled, problem = pcall(self.settle, self, peer, called, answer, err)
  remove(pending, peer.id)
  self:end_one()
  receipts.update(self.receipt)
  self.settled:wake()
  if not called then error(answer, 0) end
  if not settled then error(problem, 0) end
end

---After these a peer may have published the copy all the same.
local MAY_HAVE = { timeout = true, unreachable = true, closed = true }

---What became of one copy. Waits when a new version has to be made; the peer counts as pending meanwhile.
function Round:settle(peer, called, answer, err)
  if not called or answer or MAY_HAVE[err.code] then self.spread.holders:note(peer.id) end
  if self.over then return end
  if called and answer and answer.record then
    self:settle_newer(peer, answer.record)
  elseif called and answer then
    table.insert(self.receipt.copies, peer.id)
    if not answer.here then self.spread.hooks:announce("copied", self.version.info, peer) end
  else
    self:refuse(peer, tostring(called and err or answer))
    local made, problem
    if called then made, problem = self:make_plan() end
    if made then self:start(made) end
    self.unplanned = problem and tostring(problem) or self.unplanned
  end
end

---A peer has something newer than what is here and was to be copied.
local function outdated(peer, key, number, deletion)
  local what = deletion and "'%s' was deleted on %s, says %s" or "'%s' has a newer version, of %s, at %s"
  local advice = "; what is here is older (another machine stored that one, or this root was restored from a backup), and no copies are "
    .. "made of it unless it is stored anew"
  return errors.new("exists", (what .. advice):format(key, format.date(number // 1000000), tostring(peer)), { key = key, version = number })
end

---A peer has a version that is no older. When this node had forgotten that one, and what is placed is new, all is placed anew, as a version
---that is newer.
function Round:settle_newer(peer, record)
  local what, number, deletion = superseded(self.spread, self.version, record)
  if self.over then return end -- another peer said so, too, and first
  if not what then return self:refuse(peer, tostring(number)) end
  self.over = true
  if what == "replaced" then
    self.receipt.replaced = number
    return
  end
  if not self.how.renew then
    self.problem = outdated(peer, self.receipt.key, number, deletion)
    return
  end
  local version, err = self.how.renew(self.version, number, record)
  if version then return self:begin_again(version) end
  if err.kept then -- another writer's counts
    self.problem = err
    return
  end
  self:refuse(peer, ("it has a newer version, and no other could be made here: %s"):format(tostring(err)))
end

---`exists`, when a node that says what it has knows better than what is to be copied.
---@return filo.Error?
function Round:find_newer()
  local spread, newest = self.spread, self.version
  for _, holder in ipairs(self.known) do
    if holder.version and holder.version > newest.version then newest = holder end
  end
  local here = newest ~= self.version and spread.disk:stat(spread.namespace, self.version.path)
  if newest == self.version or here and here.version >= newest.version then return nil end -- stored here meanwhile: found out later
  local peer = spread.peers:get(newest.node) or ("node " .. newest.node)
  return select(2, outdated(peer, self.receipt.key, newest.version, newest.deleted))
end

---Waits for members that should hold a copy, and have gone, or are known of, for a moment only; starts their copies when they come.
---@return boolean  some have
function Round:wait_for_late()
  local ids, left, late = {}, 0, self.spread.host.limits.late
  for _, each in ipairs(self.receipt.away) do
    if each.since < late then ids[#ids + 1], left = each.node, math.max(left, late - each.since) end
  end
  if self.over or not ids[1] or not self.spread.wait_for_any(ids, left) then return false end
  local made = self:make_plan()
  if not made then return false end
  self.receipt.away = made.away
  self:start(made)
  return true
end

---Nobody needs what the copies are made of any more.
function Round:release()
  if self.version.object then self.version.object:close() end
end

---One of those who do has ended.
function Round:end_one()
  self.running = self.running - 1
  if self.running == 0 then self:release() end
end

---@return filo.Round
local function new_round(spread, version, receipt, how, settled)
  begin_receipt(spread, receipt, version)
  return setmetatable({
    spread = spread, version = version, receipt = receipt, how = how, settled = settled, known = {}, asked = {}, refused = {},
    running = 0,
  }, Round)
end

---Places a later version, in the same receipt.
function Round:begin_again(version)
  local round = new_round(self.spread, version, self.receipt, self.how, self.settled)
  local made, err = round:make_plan()
  if made then return round:start(made) end
  round:release()
  self.problem = err
end

-- All copies ----------------------------------------------------------------------------------------------------------

---"there is no room for it (at 0123456789abcdef, 123456789abcdef0); not today (at ...)"
local function reasons_of(refused)
  local peers, texts = {}, {}
  for _, each in ipairs(refused) do
    if not peers[each.reason] then
      peers[each.reason] = {}
      texts[#texts + 1] = each.reason
    end
    table.insert(peers[each.reason], each.peer:sub(1, 16))
  end
  for i, reason in ipairs(texts) do texts[i] = ("%s (at %s)"):format(reason, format.several(peers[reason], ", ")) end
  return format.several(texts, "; ")
end

---Why there are not as many copies as the policy asks for, or not where it asks for them.
local function why_not_enough(round)
  local receipt, texts = round.receipt, plan.absences(round.receipt.away)
  if receipt.lacking then texts[#texts + 1] = receipt.lacking end
  if #receipt.refused > 0 then texts[#texts + 1] = reasons_of(receipt.refused) end
  local why = texts[1] and table.concat(texts, "; ") or "no more peers are connected"
  return round.unplanned and ("%s; nobody else was asked: %s"):format(why, round.unplanned) or why
end

local function is_met(round) return #round.receipt.copies >= round.receipt.quorum and not round.receipt.lacking end

local function wait_for_quorum(round)
  local receipt = round.receipt
  repeat
    round.settled:wait_for(function()
      return round.problem or receipt.replaced or #receipt.copies >= receipt.quorum or #receipt.pending == 0
    end)
  until round.problem or receipt.replaced or is_met(round) or not round:wait_for_late()
  if round.problem then return nil, round.problem end
  if receipt.replaced or is_met(round) then return receipts.show(receipt) end
  return errors.fail("not_enough_copies", ("%d of %d copies of '%s' were made (it is stored here): %s"):format(
    #receipt.copies, receipt.quorum, receipt.key, why_not_enough(round)), { key = receipt.key, receipt = receipts.show(receipt) })
end

---Makes copies of a version that is published here, as the plan for it says. What scripts get of the receipt is filled in, also after
---this has returned.
---@param version filo.Version
---@param receipt table  the node's own, with key and size
---@param how {renew?: function, holders?: function, to?: string[]}
---  renew: fun(version: filo.Version, known: integer, record: string): filo.Version?, filo.Error?, the same content as a version newer
---  than `known`, which a peer has in that record; left out: a peer that has a newer version ends it ("exists");
---  holders: fun(): filo.Holder[], who has a copy already; left out: nobody, since the version is new;
---  to: IDs of the peers that get one, all of them, whatever the policy says
---@return filo.Receipt?, filo.Error?
function Spread:carry_out(version, receipt, how)
  self.refusals:begin(version.key_hash)
  local round = new_round(self, version, receipt, how, new_gate(self.host))
  round.running = 1 -- this call itself: more copies may be started until it ends
  local _ <close> = at_end(function() round:end_one() end)
  local made, err = round:make_plan()
  if made and how.holders and #made.make < self.peers:count() and not how.to then -- else all of them are asked anyway
    round.known = how.holders()
    made, err = round:make_plan()
    if made then err = round:find_newer() end
  end
  if err then return nil, err end
  receipt.quorum, receipt.unreached, receipt.away = made.quorum, made.unreached, made.away
  round:start(made)
  return wait_for_quorum(round)
end

return new
