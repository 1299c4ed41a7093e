---Peers: connections to other nodes, from the dial to the drop. One connection for each peer, bootstrap with redial.

local Peer = require "filo.peers.peer"
local at_end = require "filo.host.at_end"
local claims = require "filo.peers.claims"
local crowd = require "filo.peers.crowd"
local errors = require "filo.base.errors"
local greeting = require "filo.peers.greeting"
local inside = require "filo.base.inside"
local new_backlog = require "filo.peers.backlog"
local new_bulk = require "filo.peers.bulk"
local rules = require "filo.peers.admission"
local new_bootstrap = require "filo.peers.bootstrap"
local new_set = require "filo.base.set"
local new_reports = require "filo.peers.reports"
local new_requests = require "filo.peers.requests"
local new_streams = require "filo.peers.streams"
local new_door = require "filo.peers.door"
local new_gate = require "filo.host.gate"
local new_locks = require "filo.host.lock"
local new_members = require "filo.peers.members"
local protocol = require "filo.peers.protocol"
local secret = require "filo.peers.secret"
local sorted_keys = require "filo.base.sorted_keys"
local takeover = require "filo.peers.takeover"

local CLOSED = "the node was closed"

---@class filo.Peers
local Peers = {}
Peers.__index = Peers

---Tells a peer news of this node.
---@param news {free?: integer, left?: integer, pace?: filo.Pace}
local function tell(peer, news)
  local reply = peer:across_takeover(peer.request, "ping", news)
  if reply then peer:hear(reply) end
end

local function tell_all(self, news)
  for _, peer in ipairs(self:list()) do self:spawn(tell, peer, news) end
end

---Tells all peers how much room is here, when that has changed by more than one part in 64 since they were told. Who comes later is
---told in the welcome.
local function tell_free(self)
  local told = self.settings.free()
  while true do
    self.host.sleep(self.host.limits.ping)
    local free = self.settings.free()
    if math.abs(free - told) > told // 64 then
      told = free
      tell_all(self, { free = free })
    end
  end
end

local function connection_options(self, bulk)
  local limits = self.host.limits
  return {
    tls = self.settings.tls, id = self.settings.raw_id, bulk = bulk, handshake_timeout = limits.hello,
    keepalive = limits.ping, silence_timeout = limits.silence, rates = self.settings.rates.core,
  }
end

---settings: identity, id, raw_id, keys (to the namespaces that this node writes), instance, tls, bulk (takes bulk lines), listen_address,
---root, roster (what it has of the members), capacity (bytes of its file system), obeys (function: whether who writes a namespace decides
---here who is a member), free (function), left (function: how many copies are still to move from here; nil: it is not to be emptied),
---met (function: a peer has come), claimed (function: a peer has proved to write namespaces),
---generation_of (function: the generation with which it writes one), hooks, tasks; and admission, which may change: cluster, allowed
---(ID -> true), admit, about; rates (filo.Rates)
local function new(host, settings)
  local self = setmetatable({
    host = host, settings = settings, by_id = {}, tasks = settings.tasks,
    hellos = {}, door = new_door(host), connections = new_set(), arrivals = new_gate(host), closed = false, report = new_reports(host),
    greetings = new_locks(host),
  }, Peers)
  local served = { host = host, tasks = self.tasks, report = self.report, count = function() return self:count() end }
  self.requests, self.streams = new_requests(served), new_streams(served)
  self.backlog = new_backlog {
    most = host.limits.backlog, list = function() return self:list() end,
    drop = function(peer) self:turn_out(peer, "busy", "it does not read what is sent to it, and others wait") end,
  }
  self.bootstrap = new_bootstrap(host, self)
  self.members = new_members(self, settings)
  self.bulk = settings.bulk and new_bulk {
    host = host, report = self.report, options = function() return connection_options(self) end, connections = self.connections,
    spawn = function(fn, ...) return self.tasks:spawn(fn, ...) end,
  } or nil
  self:handle("ping", function(body, peer)
    peer:hear(body)
    return { free = settings.free() }
  end)
  self:handle("bulk", function(body, peer)
    if not self.bulk then return errors.fail("unsupported", "no bulk lines are taken here") end
    return self.bulk:answer(body, peer)
  end)
  self:handle("claim", function(body, peer)
    local proved, err = claims.check(host, peer.connection, body.claims)
    if not proved then return nil, err end
    local taken, why = claims.add(peer.namespaces, proved)
    if not taken then return nil, why end
    settings.claimed(proved)
    return {}
  end)
  self:handle("open", function(body, peer, size) return self.streams:take(body, peer, size) end)
  self:spawn(tell_free, self)
  secret.check(host, settings.admission.cluster)
  return self
end

---A task of the node.
function Peers:spawn(fn, ...) return self.tasks:spawn(fn, ...) end

---Takes other rules of who is let in, and what peers are told. Who is connected is judged by them at once, by what it has proved: whoever
---knows another secret by now comes back with that.
---@param admission table
function Peers:use_admission(admission)
  local before = self.settings.admission
  self.settings.admission = admission
  if admission.cluster ~= before.cluster then secret.check(self.host, admission.cluster) end
  for _, peer in ipairs(self:list()) do
    local code, why = rules.refusal(self, peer.connection, self.hellos[peer.id], peer.id)
    if code then self:turn_out(peer, code, "it is not let in any more: " .. why) end
  end
  self.members:renew()
end

---Tells a peer of some namespaces, over one connection: a proof is for that only.
local function claim_some(peer, keys, at)
  if peer.gone then return nil, peer.gone end
  return peer:request("claim", { claims = claims.make(peer.connection, keys, at, peer.owner.settings.generation_of) })
end

---Tells a peer of namespaces that this node writes, and proves it, as many at a time as a message may have.
---@param keys filo.Keys[]
---@param from integer  the first of them
local function tell_claims(peer, keys, from)
  for at = from, #keys, protocol.MOST_CLAIMS do
    if not peer:across_takeover(claim_some, keys, at) then return end
  end
end

---Tells all peers of one more namespace that this node writes; who comes later is told, too.
---@param keys filo.Keys
function Peers:claim(keys)
  local told = self.settings.keys
  local at = #told + 1
  for i, each in ipairs(told) do
    if each:raw_id() == keys:raw_id() then at = i end
  end
  told[at] = keys
  for _, peer in ipairs(self:list()) do self:spawn(tell_claims, peer, { keys }, 1) end
end

---Peers are told to how many bytes a second this node keeps from now on.
function Peers:tell_pace() tell_all(self, { pace = self.settings.rates.now }) end

---Tells all peers how many copies are still to move from here, as this node is to be emptied.
function Peers:tell_left() tell_all(self, { left = self.settings.left() }) end

---Registers what answers requests of a topic: see requests.lua.
function Peers:handle(topic, fn) self.requests:handle(topic, fn) end

---Waits until each of bootstrap, and each member that was known at the start, was tried once, or the deadline.
---@param seconds number
function Peers:wait_tried(seconds)
  local deadline = self.host.now() + seconds
  self.bootstrap:wait_tried(seconds)
  self.members.dialling:wait_tried(math.max(0, deadline - self.host.now()))
end

---The peer with this node ID, if connected.
function Peers:get(id) return self.by_id[id] end

---The same; one whose connection is still being greeted is waited for.
---@return filo.peers.Peer?
function Peers:wait_for(id)
  return self.arrivals:wait_for(function() return self.by_id[id] end, self.host.limits.rival)
end

---How many peers are connected.
function Peers:count()
  local count = 0
  for _ in pairs(self.by_id) do count = count + 1 end
  return count
end

---Waits until so many peers are connected, whoever has dialled, or the deadline, or the node is closed.
---@param count integer
---@param seconds number
function Peers:wait_count(count, seconds)
  self.arrivals:wait_for(function() return self.closed or self:count() >= count end, seconds)
end

---The peer that scripts have such a face of; nil: that is none of this node, connected or not any more.
---@param face any
---@return filo.peers.Peer?
function Peers:behind(face)
  local peer = inside.of(face)
  return Peer.is(peer) and peer.owner == self and peer or nil
end

---The IDs of all connected peers, in order: the same list until one comes or goes, and not to be changed.
---@return string[]
function Peers:ids()
  self.sorted = self.sorted or sorted_keys(self.by_id)
  return self.sorted
end

---All connected peers, in the order of their IDs.
---@return filo.peers.Peer[]
function Peers:list()
  local list = {}
  for i, id in ipairs(self:ids()) do
    local peer = self.by_id[id]
    peer:refresh()
    list[i] = peer
  end
  return list
end

---What scripts get of these.
---@return filo.Peer[]
function Peers:faces()
  local list = self:list()
  for i, peer in ipairs(list) do list[i] = peer.face end
  return list
end

-- One connection for each peer ----------------------------------------------------------------------------------------------

local function one_too_many(self)
  return crowd.one_too_many(self.host, self:list(), self.settings.admission.allowed, function(peer)
    return rules.knows_secret(self, peer.connection, self.hellos[peer.id])
  end)
end

---Who is connected under an ID from now on, and the hello of that one; nil: nobody.
local function set(self, id, peer, hello)
  self.by_id[id], self.hellos[id], self.sorted = peer, hello, nil
end

local function admit(self, connection, hello, welcome, id)
  local old = self.by_id[id]
  if old and not takeover.keeps_new(self.settings.id, old, connection, id) then
    connection:close("exists", "there is a connection already")
    return errors.fail("exists", "connected already", { peer = id, known = old.instance == hello.instance })
  end
  local peer = Peer.new {
    host = self.host, owner = self, connection = connection, id = id, instance = hello.instance, welcome = welcome,
    bulk = self.bulk ~= nil,
  }
  set(self, id, peer, hello)
  if old then
    self:drop(old, errors.new("exists", takeover.REASON))
    self:spawn(takeover.close, old, connection:is_dialler())
  end
  local leaves = one_too_many(self)
  if leaves == peer and not old then -- nobody was told of it yet
    set(self, id, nil)
    connection:close("busy", crowd.REASON)
    return errors.fail("busy", crowd.REASON, { peer = id })
  end
  if leaves then self:turn_out(leaves, "busy", crowd.REASON) end
  self.arrivals:wake()
  return peer, not old
end

---The connection to a peer has ended, or is given up.
function Peers:drop(peer, err)
  if peer.gone then return end
  peer:end_with(err)
  self.backlog:forget(peer)
  self.streams:forget(peer)
  if self.bulk then self.bulk:forget(peer) end
  if not peer.connection:is_dialler() then self.door:ends(peer.connection) end
  if self.by_id[peer.id] ~= peer then return end
  set(self, peer.id, nil)
  self.members:lose(peer, peer.gone)
  self.settings.hooks:announce("peer_down", peer, peer.gone)
end

---Ends the connection to a peer, and tells it why.
function Peers:turn_out(peer, code, why)
  self:drop(peer, errors.new(code, why))
  peer.connection:close(code, why)
end

-- Serving one connection ------------------------------------------------------------------------------------------------

local function serve(self, peer)
  while true do
    local message, size = peer.connection:receive()
    local err = size
    if message then message, err = protocol.check_envelope(message) end
    if not message then
      if err.code == "protocol" then peer.connection:close("protocol", err.message) end
      return err
    end
    if message.re then
      peer:settle(message)
    else
      local ok, problem = self.requests:take(peer, message, size)
      if not ok then return problem end
    end
  end
end

---Greets on a connection, and serves the peer while it is one.
local function greet_and_serve(self, connection, started)
  local admission, claimed = self.settings.admission, #self.settings.keys
  local hello, welcome, id = greeting.exchange(self, connection, function(id, instance)
    return takeover.rival(self.settings.id, self.by_id[id], connection, id, instance)
  end)
  if not hello then return started(nil, welcome) end
  if self.settings.admission ~= admission then -- the rules have changed while it waited for its welcome
    local code, why = rules.refusal(self, connection, hello, id)
    if code then
      connection:close(code, why)
      return started(nil, errors.new(code, why, { peer = id }))
    end
  end
  local out = self.members:why_out(id)
  if out then -- since it said its hello
    connection:close("denied", out)
    return started(nil, errors.new("denied", out, { peer = id }))
  end
  local peer, first = admit(self, connection, hello, welcome, id)
  if not peer then return started(nil, first) end
  local _ <close> = at_end(function() self:drop(peer, errors.new("closed", CLOSED)) end)
  self.members:meet(peer, welcome)
  self.settings.claimed(peer.namespaces)
  if first then
    self.settings.met(peer)
    if self.settings.left() then self:spawn(tell, peer, { left = self.settings.left() }) end
    self.settings.hooks:announce("peer_up", peer)
  end
  started(peer)
  local keys, first_untold = self.settings.keys, math.min(claimed, protocol.MOST_CLAIMS) + 1 -- the welcome had the others
  if keys[first_untold] then self:spawn(tell_claims, peer, keys, first_untold) end
  if peer.takes_bulk and connection:is_dialler() then self:spawn(self.bulk.keep, self.bulk, peer) end
  self:drop(peer, serve(self, peer))
end

---Closes a connection, and waits until it has gone.
local function see_off(connection)
  connection:close()
  connection:receive()
end

---Runs a connection from its handshake until it has gone. `started` is called with the peer, or nil and why not.
local function run(self, connection, started)
  local _ <close> = connection
  self.connections:add(connection)
  local _ <close> = at_end(function() self.connections:remove(connection) end)
  greet_and_serve(self, connection, started)
  see_off(connection)
end

-- Dialling and listening --------------------------------------------------------------------------------------------------

---Greets on a connection in a task of its own, and waits until the peer is let in at both ends.
local function start(self, connection)
  local greeted, result, problem = new_gate(self.host), nil, nil
  local function started(peer, why)
    if greeted.is_open then return end
    result, problem = peer, why
    greeted:open()
  end
  self:spawn(function()
    local _ <close> = at_end(function(why)
      started(nil, errors.is(why) and why or errors.new("closed", "the connection ended in its greeting"))
    end)
    run(self, connection, started)
  end)
  greeted:wait()
  return result, problem
end

---Whether the node at the other end is the one that must be there, if that is known.
local function check_id(self, connection, wanted)
  local id = self.host.crypto.hex((connection:peer()))
  if not wanted or id == wanted then return true end
  connection:close("denied", "another node was expected at this address")
  return errors.fail("denied", ("the node there is %s, not %s: is the address right?"):format(id, wanted), { peer = id })
end

---The addresses that this node stays connected to, and is not now: until there is more to go by, members that are missing; and, as far as
---they are known, the IDs of the nodes there.
---@return string[], table<string, true>
function Peers:unreached() return self.bootstrap:unreached() end

---Connects to an address and waits until the peer is let in at both ends. Gives the peer that is connected already, if it is.
---@param target {address: string, id?: string}  see peers/target.lua
---@return filo.peers.Peer?, filo.Error?
function Peers:connect(target)
  local connection, err = self.host.net.dial(target.address, connection_options(self))
  if not connection then return nil, err end
  local expected
  expected, err = check_id(self, connection, target.id)
  if not expected then return nil, errors.wrap(err, "cannot connect to " .. target.address) end
  local peer
  do -- one greeting of a peer at a time: of two, each end may keep another
    local _ <close> = self.greetings:take(self.host.crypto.hex((connection:peer())))
    peer, err = start(self, connection)
  end
  if not peer and err.code == "exists" and not err.itself then peer = self:wait_for(err.peer) end
  if peer then return peer end
  return nil, errors.wrap(err, "cannot connect to " .. target.address)
end

---Serves one connection that came.
local function receive_stranger(self, connection, scarce)
  local door = self.door
  local _ <close> = door:enter(connection, scarce)
  local _ <close> = connection
  local ready, err = connection:ready()
  if not ready then return self.report("info", "", "handshake", "a connection failed in its handshake: " .. tostring(err)) end
  door:ready(connection)
  if self.bulk and connection:is_bulk() then
    local why = self.bulk:take(connection, function() door:leave(connection) end)
    door:ends(connection)
    see_off(connection)
    return self.report("info", "", "bulk line", "a bulk line has ended: " .. tostring(why))
  end
  run(self, connection, function(peer, why)
    if peer then return door:leave(connection) end
    local another = why.code == "exists" and not why.itself and not why.known
    local level = another and "warning" or "info"
    self.report(level, "", ("not let in %s %s"):format(why.code, level), tostring(why)) -- anybody may have made a new identity for it
  end)
end

---Accepts connections on a listener until the node is closed. One that fails is no reason to stop.
function Peers:listen(listener)
  self:spawn(function()
    while true do
      self.door:wait()
      local connection, scarce = listener:accept(connection_options(self, self.bulk ~= nil))
      if self.closed then return end
      if connection then
        self:spawn(receive_stranger, self, connection, scarce)
      else
        self.report("info", "", "not accepted", "a connection could not be accepted: " .. tostring(scarce))
      end
    end
  end)
end

---Closes every connection, and lets nobody in any more.
function Peers:close()
  self.closed = true
  self.arrivals:wake()
  for _, connection in ipairs(self.connections:list()) do connection:close() end
end

return new
