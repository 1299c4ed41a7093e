---Serving peers: taking copies that they offer, and giving out those that are here.

local at_end = require "filo.host.at_end"
local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local new_locks = require "filo.host.lock"
local new_share = require "filo.host.share"
local old_versions = require "filo.replication.old_versions"
local new_stall_watch = require "filo.host.stall"

---@class filo.Serve
local Serve = {}
Serve.__index = Serve

---@param given {host: filo.Host, disk: table, peers: filo.Peers, tasks: filo.Tasks, hooks: filo.Hooks, names: filo.Names,
---  catalogue: filo.Catalogue, landings: filo.Landings, verifier: filo.Verifier, set_aside: filo.SetAside, removal: filo.Removal,
---  healing: filo.Healing, kept: filo.KeptVersions, quotas: filo.Quotas, rates: filo.Rates, turns: filo.Turns,
---  policy: (fun(): table),
---  member: (fun(peer: filo.peers.Peer): filo.placement.Member),
---  beliefs: filo.Beliefs, vouching: filo.Vouching, is_member: (fun(peer: filo.peers.Peer): boolean),
---  conflicts: fun(raw_id: string): filo.Conflicts?}  conflicts: of a namespace that this node writes
---@return filo.Serve
local function new(given)
  local limits = given.host.limits
  local self = setmetatable({ reads = {}, amending = new_locks(given.host) }, Serve)
  self.all_reads = new_share { most = limits.reads, part = limits.read_part, count = function() return given.peers:count() end }
  for name, value in pairs(given) do self[name] = value end
  return self
end

-- What a peer is told -------------------------------------------------------------------------------------------------

---Of a failure of the store a peer is told the kind. The sentence, with paths of this machine, is for the log here.
local TOLD = {
  no_space = "there is no room for it",
  busy = "this version is on its way here already",
  corrupt = "what came does not match the record",
  timeout = "the bytes stopped coming",
  closed = "the stream was given up",
  unreachable = "the stream was cut",
  cancelled = "the stream was given up",
  exists = "the stream was given up", -- for another connection
  protocol = "the stream ended before the copy was whole",
}
local OF_THE_PEER = { busy = true, corrupt = true, timeout = true, closed = true, cancelled = true, exists = true, protocol = true,
  unreachable = true }

local function failed(self, peer, err)
  if not OF_THE_PEER[err.code] then
    self.peers.report("warning", peer.id, "not kept " .. err.code, "a peer's copy could not be kept: " .. tostring(err))
  end
  return errors.fail(err.code, TOLD[err.code] or "it could not be kept")
end

---What the store's refusal of a record means for the peer: done when that very record is here, else it is told which one is.
local function settled(self, peer, path, fields, record, err)
  if err.code ~= "exists" then return failed(self, peer, err) end
  local _, here = self.disk:stat(fields.namespace, path)
  if here == record then
    self.beliefs:learn(peer, fields)
    return { here = true }
  end
  if type(here) == "string" then return { record = here } end
  return errors.fail("busy", "what is here has just changed")
end

-- Taking copies -------------------------------------------------------------------------------------------------------

---Seconds for which what is known of the room on the disk is good enough for a policy: who is given many small objects asks each time.
local SPACE_SECONDS = 0.1

---@return {free: integer, total: integer}?, filo.Error?
local function space(self)
  local now = self.host.now()
  if self.space and now < self.space_until then return self.space end
  local free, total = self.disk:space()
  if not free then return nil, total end
  self.space, self.space_until = { free = free, total = total }, now + SPACE_SECONDS
  return self.space
end

---What a policy may know of the room here, and of what it is taken by: the latter only where it looks, since that has to be read.
local function usage(self, policy, offer, peer)
  local room, err = space(self)
  if not room then return failed(self, peer, err) end
  if not policy.judges then return room end
  local known
  known, err = self.quotas:usage_of(offer.namespace, peer.id)
  if not known then return nil, err end
  known.free, known.total = room.free, room.total
  return known
end

local function ask_policy(self, offer, peer)
  local policy = self.policy()
  local known, err = usage(self, policy, offer, peer)
  if not known then return nil, err end
  local ok, accepted, reason = errors.try(policy.accept, offer, self.member(peer), known)
  if not ok then
    local message = ("policy '%s': accept failed: %s"):format(policy.name, tostring(accepted))
    self.peers.report("error", peer.id, "policy", message)
    return errors.fail("denied", "refused: the policy failed")
  end
  if not accepted then return errors.fail("denied", "refused: " .. tostring(reason or policy.name)) end
  return true
end

---What policies and hooks are told of a record.
local function offer_of(fields)
  return {
    namespace = fields.namespace, key_hash = fields.key_hash, size = fields.size, version = fields.version,
    class = fields.class, tombstone = fields.tombstone,
  }
end

---Asks the policy and the hooks whether a record may be stored here. Gives its fields and the path.
local function accept(self, record, peer)
  local fields, err = self.host.store.peek(record)
  if not fields then return nil, err end
  -- What it has lost of its own it looks for itself, and takes the newest.
  if self.conflicts(fields.namespace) and not peer.namespaces[fields.namespace] then
    return errors.fail("denied", "refused: this node writes that namespace itself")
  end
  local ok
  local offer = offer_of(fields)
  ok, err = ask_policy(self, offer, peer)
  if not ok then return nil, err end
  ok, err = self.hooks:allow("before_accept", offer, peer)
  if not ok then return nil, err.failed and errors.new("denied", "refused: a hook failed") or err end
  local path
  path, err = self.names:path(fields.key_hash)
  if not path then return failed(self, peer, err) end
  return fields, path
end

---Room for a copy, as far as quotas go.
---@return filo.Promise?, filo.Error?
local function promise_room(self, fields, path, record, peer)
  local promise, err = self.quotas:take(fields, path, record, peer)
  if promise or err.code == "busy" then return promise, err end
  self.peers.report("warning", peer.id, "quota", ("a copy from %s was %s"):format(tostring(peer), err.message))
  return nil, err
end

---Makes a copy visible. Of what this node writes, too, a version that the other did not know of is kept first.
local function publish(self, partial, fields, record, path)
  local conflicts = self.conflicts(fields.namespace)
  if conflicts then return conflicts:publish(partial, fields, record, path) end
  return partial:publish()
end

---A copy is here.
local function kept(self, fields, peer, promise)
  promise:keep()
  self.beliefs:learn(peer, fields)
  self.hooks:announce("accepted", offer_of(fields), peer)
  return {}
end

---Publishes a record for content that lies here under an older one.
local function rewrap(self, peer, fields, record, path, trusted, promise)
  local draft = { publish = function() return self.disk:rewrap(path, record, nil, trusted, nil, promise.bringer) end }
  local ok, err = publish(self, draft, fields, record, path)
  if not ok and err.code == "not_found" then return nil end
  if not ok then return settled(self, peer, path, fields, record, err) end
  return kept(self, fields, peer, promise)
end

---What a peer is answered once a record is published for content that lies here under an older one; nil: that does not lie here.
---@return table?, filo.Error?
local function amend(self, peer, fields, record, path, trusted, promise)
  local there = self.disk:stat(fields.namespace, path)
  if not there or there.root ~= fields.root then return nil end
  local _ <close> = fields.size > self.host.limits.inline and self.amending:take(true) or nil -- one copies as fast as the disk does
  if peer.gone then return nil, peer.gone end
  return rewrap(self, peer, fields, record, path, trusted, promise)
end

---Keeps a small object that has come whole. What other writers have made of what this node writes is verified before anything makes way
---for it.
local function keep(self, fields, path, body, trusted, promise)
  if not self.conflicts(fields.namespace) then return self.disk:keep(path, body.record, body.body, nil, trusted, promise.bringer) end
  local partial <close>, err = self.disk:partial(path, body.record, body.body)
  if not partial then return nil, err end
  return publish(self, partial, fields, body.record, path)
end

function Serve:store(body, peer)
  local fields, path = accept(self, body.record, peer)
  if not fields then return nil, path end
  local trusted = peer.namespaces[fields.namespace] and not self.conflicts(fields.namespace)
  local promise <close>, err = promise_room(self, fields, path, body.record, peer)
  if not promise then return nil, err end
  if not body.body then
    local answer, problem = amend(self, peer, fields, body.record, path, trusted, promise)
    if answer or problem then return answer, problem end
    return { want = true }
  end
  self.rates:wait("down", #body.body)
  local ok
  ok, err = keep(self, fields, path, body, trusted, promise)
  if not ok then return settled(self, peer, path, fields, body.record, err) end
  return kept(self, fields, peer, promise)
end

function Serve:offer(body, peer)
  local fields, path = accept(self, body.record, peer)
  if not fields then return nil, path end
  local ok, err = self.host.store.parse(body.record) -- its size is believed from here on
  if not ok then return nil, err end
  local promise <close>, refused = promise_room(self, fields, path, body.record, peer)
  if not promise then return nil, refused end
  local answer
  answer, err = amend(self, peer, fields, body.record, path, nil, promise)
  if answer or err then return answer, err end
  local landing
  landing, err = self.landings:take(body.record, fields, path, peer, promise)
  if not landing then return nil, err end
  local lands = false
  local _ <close> = at_end(function() if not lands then self.landings:release(landing) end end)
  landing.partial, err = self.disk:partial(path, body.record, nil, nil, nil, promise.bringer)
  if not landing.partial then return settled(self, peer, path, fields, body.record, err) end
  lands = true
  self.tasks:spawn(function()
    peer:wait_gone(self.host.limits.offer)
    if not landing.filling then self.landings:release(landing) end
  end)
  return { want = landing.partial:missing(0), hashes = not landing.partial:has_hashes() }
end

---Takes the bytes of a copy. A peer that sends next to none is given up, since others wait for the slot.
local function receive(self, landing, body, peer)
  local host, size = self.host, landing.fields.size
  if body.stream == 0 then
    if landing.partial:missing(0) >= chunks.count(host, size) then return true end
    return errors.fail("protocol", "nothing of it was sent")
  end
  local transfer <close>, line = peer:receive_object(body, landing.partial, body.hashes, body.first)
  if not transfer then return nil, line end
  landing.transfer = transfer
  local _ <close> = at_end(function() landing.transfer = nil end)
  local watch = new_stall_watch(host, function() return transfer:bytes() end, function() return peer:rate "down" end)
  local ended, ok, problem = watch:wait(chunks.bytes_of(host, size, body.hashes, body.first), host.limits.send_stall, nil,
    function(seconds)
      local done, why = transfer:join(seconds)
      return landing.ended or done or why.code ~= "timeout", done, why
    end)
  if not ended then return errors.fail("timeout", "the bytes stopped coming") end
  if not ok and line and problem.code == "corrupt" then peer:lose_line(line) end -- it is sent again, over TLS
  return ok, problem
end

function Serve:fill(body, peer)
  local landing = self.landings:get(body.record)
  if not landing or landing.peer ~= peer or landing.filling then
    return errors.fail("busy", "nothing of the kind is awaited, or not any more: offer it again")
  end
  landing.filling = true
  local _ <close> = at_end(function() self.landings:release(landing) end)
  local ok, err = receive(self, landing, body, peer)
  if landing.ended then return errors.fail("busy", "others wait for the slot: offer it again") end
  if not ok then return failed(self, peer, err) end
  ok, err = publish(self, landing.partial, landing.fields, body.record, landing.path)
  if not ok then return settled(self, peer, landing.path, landing.fields, body.record, err) end
  return kept(self, landing.fields, peer, landing.promise)
end

-- Giving out ----------------------------------------------------------------------------------------------------------

---`nil, err`: it is here, perhaps, and cannot be read.
local function unread(self, peer, err)
  self.peers.report("warning", peer.id, "not read " .. err.code, "a copy that a peer asked for could not be read: " .. tostring(err))
  return errors.fail(err.code, "its copy could not be read")
end

---Whether a peer writes the namespace that it asks about.
local function is_owner(body, peer) return peer.namespaces[body.namespace] end

---What is here. Its owner verifies himself what he is told, and has it looked at again when it is bad. That a copy cannot be read, or was
---bad, does not mean that there was none: who counts answers is not told so.
function Serve:find(body, peer)
  local path, err = self.names:path(body.key_hash)
  if not path then return unread(self, peer, err) end
  local most = (body.without_content or peer:rate "up") and 0 or self.host.limits.inline -- where there is a rate it is read by a stream
  local fields, record, content, verified = self.disk:sealed(body.namespace, path, most, is_owner(body, peer))
  if fields then return { record = record, body = content, verified = verified } end
  local bad = record.code == "not_found" and self.healing:of(body.namespace, body.key_hash)
  if bad then return errors.fail("corrupt", "its copy was bad, and it has not got another one yet") end
  if record.code == "not_found" then return {} end
  if record.code ~= "corrupt" then return unread(self, peer, record) end
  self.set_aside(body.namespace, path, record)
  return errors.fail("corrupt", "its copy was bad")
end

---Opens the version that a peer asks for; a copy that is bad is set aside and not spoken of.
local function open(self, body)
  local path = self.names:path(body.key_hash)
  if not path then return nil end
  local object, err = self.disk:object(body.namespace, path)
  if object and object:fields().version == body.version then return object end
  if object then object:close() end
  if object or err.code == "not_found" then return (old_versions.open(self, body.namespace, body.key_hash, body.version)) end
  if not object and err.code == "corrupt" then self.set_aside(body.namespace, path, err) end
  return nil
end

---Counts what a peer reads, until the end of the scope; nil when it is too much at once, of its own or of all peers.
local function begin_reading(self, peer)
  local id, limits = peer.id, self.host.limits
  local count = self.reads[id] or 0
  if count >= limits.reads_of_peer then return nil end
  local part = self.all_reads:take(id, 1)
  if not part then return nil end
  self.reads[id] = count + 1
  return at_end(function()
    local _ <close> = part
    self.reads[id] = self.reads[id] > 1 and self.reads[id] - 1 or nil
  end)
end

---Sends what a peer asks for, in a task that owns what is open for it, and that tells first which stream it is.
function Serve:read(body, peer)
  local reading = begin_reading(self, peer)
  if not reading then return errors.fail("busy", "too many reads at once") end
  local started = self.host.channel(1)
  self.tasks:spawn(function()
    local _ <close> = reading
    local _ <close> = at_end(function() started:close() end)
    local object <close> = open(self, body)
    if not object then return end
    local transfer <close>, line = peer:send_object(object, body.hashes, body.first, body.count)
    if not transfer then return end
    started:send { stream = transfer:number(), bulk = line and true or nil }
    transfer:join()
  end)
  local named = started:receive()
  if named then return named end
  return errors.fail("not_found", "that version is not here")
end

-- Reading copies costs more than asking for it: that is not for everybody.

---The owner found our copy bad.
function Serve:check(body, peer)
  local path = is_owner(body, peer) and self.names:path(body.key_hash)
  if path then self.verifier:suspect(body.namespace, path) end
  return {}
end

local function prove(self, body, peer)
  local path = self.names:path(body.key_hash)
  local hash, err
  if path then hash, err = self.verifier:prove(path, body) end
  if hash then
    self.vouching:vouch(body.namespace, body.key_hash, peer.id)
    return { hash = hash }
  end
  if err and err.code == "corrupt" then return errors.fail("corrupt", "its copy was bad") end
  if not err or err.code == "not_found" then return errors.fail("not_found", "that version is not here") end
  return unread(self, peer, err)
end

---Its owner, or another member that has one, is about to rely on our copy: a part of it is read and checked before he is told that it is
---good, and a hash under his nonce shows that it was.
function Serve:prove(body, peer)
  if not is_owner(body, peer) and not self.is_member(peer) then
    return errors.fail("denied", "only its owner, or a member, may have it checked")
  end
  local holding <close> = self.vouching:begin(body.namespace, body.key_hash)
  if not holding then return errors.fail("busy", "it is about to drop its own copy") end
  return self.turns:serve(peer, prove, self, body, peer)
end

---What the removal of a copy fails with, in words that name nothing of this machine.
local TOLD_OF_REMOVAL = { not_found = true, exists = true, busy = true }

---The owner wants no copy of it here any more.
function Serve:drop(body, peer)
  if not is_owner(body, peer) then return errors.fail("denied", "only its owner may have it removed") end
  if self.vouching:has_vouched(body.namespace, body.key_hash, peer.id) then
    return errors.fail("busy", "another node relies on this copy, which it had proved within the hour: try again later")
  end
  local ok, err = self.removal(body.namespace, body.key_hash, body.version)
  if ok then return {} end
  if TOLD_OF_REMOVAL[err.code] then return nil, err end
  self.peers.report("warning", peer.id, "not removed " .. err.code, "a peer's copy could not be removed for it: " .. tostring(err))
  return errors.fail(err.code, "it could not be removed")
end

local function list(self, body, peer)
  local limits = self.host.limits
  local records, after, life = self.catalogue:feed(body.namespace, body.life, body.after, limits.listed, limits.listed_bytes)
  if records then return { records = records, after = after, life = life } end
  if after.code == "busy" then return errors.fail("busy", "it is making its catalogue") end
  self.peers.report("warning", peer.id, "not listed " .. after.code, "what a peer wants to know lies here could not be listed: "
    .. tostring(after))
  return errors.fail("io", "its catalogue cannot be used")
end

---Who knows a namespace may know what lies here of it, as `find` tells of each object. He is told of some at a time, in the order in which
---they came to lie here, and says where he wants to go on: nothing is kept here meanwhile.
function Serve:list(body, peer) return self.turns:serve(peer, list, self, body, peer) end

---Bytes of a record.
local RECORD_MOST = 65740

---Records of a namespace's objects here that are of an older generation, and where there are more.
---@return string[], filo.GenerationPlace?
local function outdated(self, body)
  local records, bytes = {}, 0
  for row in self.catalogue:outdated(body.namespace, body.below, body.place) do
    if not row.id then break end -- the catalogue cannot be used
    local path = row.path or self.names:path(row.key_hash)
    local fields, record = self.disk:stat(body.namespace, path)
    if fields and fields.generation < body.below then
      bytes = bytes + #record
      records[#records + 1] = record
    end
    if #records == self.host.limits.listed or bytes > self.host.limits.listed_bytes - RECORD_MOST then
      return records, { generation = row.generation, id = row.id }
    end
  end
  return records
end

---A record of the newest generation that a namespace has here.
local function latest(self, namespace)
  local _, newest = self.catalogue:generations(namespace, 0)
  local next_row = self.catalogue:outdated(namespace, newest + 1, { generation = newest, id = 0 })
  local row = next_row()
  local path = row and row.generation == newest and (row.path or self.names:path(row.key_hash))
  local fields, record = nil, nil
  if path then fields, record = self.disk:stat(namespace, path) end
  return fields and record or nil
end

local function tell_generations(self, body)
  local records, place = outdated(self, body)
  return { records = records, place = place, latest = latest(self, body.namespace) }
end

---Who writes a namespace is told what is of an older generation than he writes with, and what is of the newest.
function Serve:generations(body, peer)
  if not is_owner(body, peer) then return errors.fail("denied", "only who writes a namespace may know that") end
  local state = self.catalogue:state()
  if state == "failed" then return errors.fail("io", "its catalogue cannot be used") end
  if state ~= "ready" then return errors.fail("busy", "it is making its catalogue") end
  return self.turns:serve(peer, tell_generations, self, body)
end

local TOPICS = { "check", "drop", "fill", "find", "generations", "list", "offer", "prove", "read", "store" }

---Answers the peers from now on.
function Serve:start()
  for _, topic in ipairs(TOPICS) do
    self.peers:handle(topic, function(body, peer) return self[topic](self, body, peer) end)
  end
end

return new
