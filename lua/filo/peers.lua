---Peers: connections to other nodes, from the dial to the drop. Who is let in, one connection for each peer, requests and replies,
---bootstrap with redial.

local errors = require "filo.errors"
local new_door = require "filo.door"
local protocol = require "filo.protocol"

local HELLO_SECONDS = 10
local PING_SECONDS = 10
local REQUEST_SECONDS = 30
local SILENCE_SECONDS = 35
local REQUESTS_MAX = 256 -- of one peer, that are served at a time
local CLOSED = "the node was closed"
local REDIAL_FIRST, REDIAL_MOST = 0.1, 30

---@class filo.Peer
---@field id string  node ID, 64 hex digits
---@field address string  numeric address of the far end
---@field listen? string  where it says that it can be dialled
---@field about table  what its owner tells of it
---@field free? integer  bytes free in its store, as of the last ping
---@field rtt? number  seconds of the last ping
local Peer = {}
Peer.__index = Peer

---@class filo.Peers
local Peers = {}
Peers.__index = Peers

---settings: identity, tls, cluster, allowed (ID -> true), admit, about, listen_address, free (function), hooks, handle
local function new(host, settings)
  local self = setmetatable({
    host = host, settings = settings, by_id = {}, handlers = {}, tasks = {}, connections = {}, untried = {},
    ready_waiters = {}, closed = false,
  }, Peers)
  self:handle("ping", function(body, peer)
    peer.free = body.free
    return { free = settings.free() }
  end)
  return self
end

---A task of ours: cancelled at close.
function Peers:spawn(fn, ...)
  local child
  child = self.host.spawn(function(...)
    local _ <close> = setmetatable({}, { __close = function() self.tasks[child] = nil end })
    return fn(...)
  end, ...)
  self.tasks[child] = true
  if self.closed then child:cancel(CLOSED) end
  return child
end

-- Letting in ----------------------------------------------------------------------------------------------------------

---The proof that a side knows the cluster secret, bound to this connection and side.
local function cluster_proof(host, cluster, binding, dialler)
  local side = dialler and "dialler" or "listener"
  return host.crypto.hmac_sha256(cluster, "filo cluster v1 " .. side .. binding)
end

local function signed_text(binding, dialler)
  return "filo hello v1 " .. (dialler and "dialler" or "listener") .. binding
end

local function make_hello(self, connection)
  local settings = self.settings
  local binding, dialler = connection:binding(), connection:is_dialler()
  local _, proven = connection:peer()
  return {
    hello = {
      version = protocol.VERSION,
      proof = settings.cluster and cluster_proof(self.host, settings.cluster, binding, dialler),
      signature = not proven and settings.identity:sign(signed_text(binding, dialler)) or nil,
      listen = settings.listen_address,
      about = settings.about,
      free = settings.free(),
    },
  }
end

---nil, or why this peer is not let in.
local function refusal(self, connection, hello, raw_id, id)
  local settings, crypto = self.settings, self.host.crypto
  local binding, dialler = connection:binding(), connection:is_dialler()
  local _, proven = connection:peer()
  if hello.version ~= protocol.VERSION then
    return "unsupported", ("it speaks version %d of the protocol, this node version %d"):format(hello.version, protocol.VERSION)
  end
  if not proven and not (hello.signature and crypto.verify(raw_id, signed_text(binding, not dialler), hello.signature)) then
    return "denied", "it did not prove its node ID"
  end
  if id == settings.id then return "exists", "it is this node itself" end
  if settings.admit then
    local ok, admitted, reason = pcall(settings.admit, { id = id, address = connection:remote(), about = hello.about or {} })
    if not ok then return "denied", "the admit function failed: " .. tostring(admitted) end
    if admitted then return end
    if admitted == false then return "denied", reason or "the admit function refused it" end
  end
  if settings.allowed[id] then return end
  local expected = settings.cluster and cluster_proof(self.host, settings.cluster, binding, not dialler)
  if expected and hello.proof and crypto.equal(expected, hello.proof) then return end
  return "denied", "it is not listed, and it did not prove that it knows the cluster secret"
end

---Of two connections to one peer, both ends keep the one dialled by the smaller ID, or the newer of two dialled by the same side.
local function keeps_new(self, old, connection, id)
  local dialler_is_me = connection:is_dialler()
  if old.connection:is_dialler() == dialler_is_me then return true end
  return dialler_is_me == (self.settings.id < id)
end

---Receives one of the first messages of a connection and checks it.
local function receive_checked(connection, check)
  local message, err = connection:receive(HELLO_SECONDS)
  if not message then return nil, err end
  local body
  body, err = check(message)
  if not body then connection:close("protocol", err.message) end
  return body, err
end

---Exchanges hellos, then welcomes: who has the other's welcome may send anything. Gives the peer's hello and its ID.
local function greet(self, connection)
  local raw_id = connection:peer()
  local id = self.host.crypto.hex(raw_id)
  local ok, err = connection:send(make_hello(self, connection))
  if not ok then return nil, err end
  local hello
  hello, err = receive_checked(connection, protocol.check_hello)
  if not hello then return nil, err end
  local code, why = refusal(self, connection, hello, raw_id, id)
  if code then
    why = tostring(why)
    connection:close(code, why)
    return errors.fail(code, ("node %s at %s is not let in: %s"):format(id:sub(1, 16), connection:remote(), why), { peer = id })
  end
  connection:admit()
  ok, err = connection:send { welcome = true }
  if not ok then return nil, err end
  ok, err = receive_checked(connection, protocol.check_welcome)
  if not ok then return nil, errors.wrap(err, "the peer did not let this node in") end
  return hello, id
end

local function admit(self, connection, hello, id)
  local old = self.by_id[id]
  if old and not keeps_new(self, old, connection, id) then
    connection:close("exists", "there is a connection already")
    return errors.fail("exists", "connected already", { peer = id })
  end
  local peer = setmetatable({
    id = id, connection = connection, address = connection:remote(), listen = hello.listen, about = hello.about or {},
    owner = self, pending = {}, watchers = {}, senders = {}, serving = 0, next_id = 1, free = hello.free, since = self.host.now(),
  }, Peer)
  self.by_id[id] = peer
  if old then old.connection:close("exists", "a newer connection took over") end
  return peer, not old
end

-- Serving one connection ------------------------------------------------------------------------------------------------

local function send(peer, message)
  local host = peer.owner.host
  local ok, err = peer.connection:send(message)
  while not ok and err.code == "busy" do
    table.insert(peer.senders, host.current())
    if #peer.senders == 1 then -- the first in line waits for the connection, the others for the first
      local _ <close> = setmetatable({}, { __close = function()
        local waiting = peer.senders
        peer.senders = {}
        for _, each in ipairs(waiting) do host.wake(each) end
      end })
      local drained, problem = peer.connection:drained()
      if not drained then return nil, problem end
    else
      host.suspend()
    end
    if peer.gone then return nil, peer.gone end
    ok, err = peer.connection:send(message)
  end
  return ok, err
end

local function run_handler(self, peer, request)
  local handler = self.handlers[request.topic]
  if not handler then return errors.fail("unsupported", ("no handler for '%s'"):format(request.topic)) end
  local body, problem = protocol.check_body(request.topic, "request", request.body)
  if problem then return nil, problem end
  local ok, result, err = pcall(handler, body, peer)
  if not ok then
    if errors.is_cancelled(result) then error(result, 0) end
    self.host.log("error", ("the handler of '%s' failed: %s"):format(request.topic, tostring(result)))
    return errors.fail("io", "the handler failed")
  end
  if err then return nil, err end
  return result == nil and {} or result
end

local function serve_request(self, peer, request)
  local _ <close> = setmetatable({}, { __close = function() peer.serving = peer.serving - 1 end })
  local body, err = run_handler(self, peer, request)
  local reply = { re = request.id, body = body }
  if err then
    reply.body = nil
    reply.error = { code = err.code or "io", message = tostring(err):sub(1, 1000) }
  end
  local sent, problem = pcall(send, peer, reply)
  if sent then return end
  local told = pcall(send, peer, { re = request.id, error = { code = "io", message = "the answer cannot be sent" } })
  if not told then return end -- the connection has gone meanwhile
  self.host.log("error", ("the answer to '%s' cannot be sent: %s"):format(request.topic, tostring(problem)))
end

local function settle(self, peer, reply)
  local waiting = peer.pending[reply.re]
  if not waiting then return end
  peer.pending[reply.re] = nil
  waiting.reply = reply
  self.host.wake(waiting.task)
end

local function start_request(self, peer, request)
  if peer.serving < REQUESTS_MAX then
    peer.serving = peer.serving + 1
    self:spawn(serve_request, self, peer, request)
    return true
  end
  local message = ("%d requests of this peer are being served already"):format(REQUESTS_MAX)
  return peer.connection:send { re = request.id, error = { code = "busy", message = message } }
end

local function serve(self, peer)
  while true do
    local message, err = peer.connection:receive()
    if message then message, err = protocol.check_envelope(message) end
    if not message then
      if err.code == "protocol" then peer.connection:close("protocol", err.message) end
      return err
    end
    if message.re then
      settle(self, peer, message)
    else
      local ok, problem = start_request(self, peer, message)
      if not ok then return problem end -- it does not even read what it is told
    end
  end
end

local function drop(self, peer, err)
  if peer.gone then return end
  peer.gone = err
  for _, waiting in pairs(peer.pending) do self.host.wake(waiting.task) end
  for _, task in ipairs(peer.watchers) do self.host.wake(task) end
  if self.by_id[peer.id] ~= peer then return end
  self.by_id[peer.id] = nil
  self.settings.hooks:announce("peer_down", peer, err)
end

local function keep_pinging(self, peer)
  while not peer.gone do
    local before = self.host.now()
    local reply = peer:request("ping", { free = self.settings.free() })
    if reply then
      peer.rtt = self.host.now() - before
      peer.free = reply.free
    end
    self.host.sleep(PING_SECONDS)
  end
end

---Runs a connection from its handshake to its end. `started` is called with the peer, or nil and why not.
local function run(self, connection, started)
  local _ <close> = connection
  self.connections[connection] = true
  local _ <close> = setmetatable({}, { __close = function() self.connections[connection] = nil end })
  local hello, id = greet(self, connection)
  if not hello then
    started(nil, id)
    connection:close()
    while connection:receive() do end -- until it has gone
    return
  end
  local peer, first = admit(self, connection, hello, id)
  if not peer then return started(nil, first) end
  local pinger = self:spawn(keep_pinging, self, peer)
  local _ <close> = setmetatable({}, { __close = function()
    pinger:cancel()
    drop(self, peer, errors.new("closed", "the node was closed"))
  end })
  if first then self.settings.hooks:announce("peer_up", peer) end
  started(peer)
  drop(self, peer, serve(self, peer))
end

-- Requests --------------------------------------------------------------------------------------------------------------

---Asks the peer and waits for its answer.
---@param topic string
---@param body any
---@param seconds? number  deadline, 30 by default
---@return any, filo.Error?
function Peer:request(topic, body, seconds)
  local host = self.owner.host
  if self.gone then return nil, errors.wrap(self.gone, "node " .. self.id:sub(1, 16), { peer = self.id }) end
  local waiting = { task = host.current() }
  local id = self.next_id
  self.next_id = id + 1
  self.pending[id] = waiting
  local _ <close> = setmetatable({}, { __close = function() self.pending[id] = nil end })
  local ok, err = send(self, { id = id, topic = topic, body = body })
  if not ok then return nil, errors.wrap(err, "node " .. self.id:sub(1, 16), { peer = self.id }) end
  local deadline = host.now() + (seconds or REQUEST_SECONDS)
  while not waiting.reply do
    if self.gone then return nil, errors.wrap(self.gone, "node " .. self.id:sub(1, 16), { peer = self.id }) end
    local left = deadline - host.now()
    if left <= 0 then
      return errors.fail("timeout", ("node %s did not answer '%s' in time"):format(self.id:sub(1, 16), topic), { peer = self.id })
    end
    host.suspend(left)
  end
  local reply = waiting.reply
  if reply.error then
    return errors.fail(reply.error.code, reply.error.message, { peer = self.id })
  end
  return protocol.check_body(topic, "reply", reply.body)
end

---Waits until this connection to the peer has ended.
function Peer:wait_gone()
  local host = self.owner.host
  self.watchers[#self.watchers + 1] = host.current()
  while not self.gone do host.suspend() end
end

function Peer:__tostring() return ("peer %s at %s"):format(self.id:sub(1, 16), self.address) end

---Registers what answers requests of a topic: fn(body, peer) gives the answer, or nil, err.
function Peers:handle(topic, fn) self.handlers[topic] = fn end

---The peer with this node ID, if connected.
function Peers:get(id) return self.by_id[id] end

---How many peers are connected.
function Peers:count()
  local count = 0
  for _ in pairs(self.by_id) do count = count + 1 end
  return count
end

---Whether a value is a peer of this node, connected or not any more.
function Peers:is_peer(value) return getmetatable(value) == Peer and value.owner == self end

---All connected peers, in the order of their IDs.
---@return filo.Peer[]
function Peers:list()
  local list = {}
  for _, peer in pairs(self.by_id) do list[#list + 1] = peer end
  table.sort(list, function(a, b) return a.id < b.id end)
  return list
end

-- Dialling and listening --------------------------------------------------------------------------------------------------

local function connection_options(self)
  return { tls = self.settings.tls, id = self.settings.raw_id, silence_timeout = SILENCE_SECONDS, handshake_timeout = HELLO_SECONDS }
end

---Connects to an address and waits until the peer is let in at both ends.
---@param address string  "host:port"
---@return filo.Peer?, filo.Error?
function Peers:connect(address)
  local connection, err = self.host.net.dial(address, connection_options(self))
  if not connection then return nil, err end
  local me, result, problem, done = self.host.current(), nil, nil, false
  local function started(peer, why)
    if done then return end
    result, problem, done = peer, why, true
    self.host.wake(me)
  end
  self:spawn(function()
    local _ <close> = setmetatable({}, { __close = function(_, why)
      started(nil, errors.is(why) and why or errors.new("closed", "the connection ended in its greeting"))
    end })
    run(self, connection, started)
  end)
  while not done do self.host.suspend() end
  if result then return result end
  if problem.code == "exists" and problem.peer and self.by_id[problem.peer] then return self.by_id[problem.peer] end
  return nil, errors.wrap(problem, "cannot connect to " .. address)
end

---Notes that an address was tried, and tells who waits when all were.
function Peers:first_try_ended(address)
  self.untried[address] = nil
  if next(self.untried) then return end
  for _, task in ipairs(self.ready_waiters) do self.host.wake(task) end
  self.ready_waiters = {}
end

---Waits until every bootstrap address was tried once, or the deadline.
function Peers:wait_ready(seconds)
  local host = self.host
  local deadline = host.now() + seconds
  while next(self.untried) and host.now() < deadline do
    table.insert(self.ready_waiters, host.current())
    host.suspend(deadline - host.now())
  end
end

---Keeps a connection to an address: redials with growing, random pauses when it is lost.
function Peers:bootstrap(address)
  local host = self.host
  self.untried[address] = true
  self:spawn(function()
    local pause = REDIAL_FIRST
    local reported
    while true do
      local peer, err = self:connect(address)
      self:first_try_ended(address)
      if peer then
        pause, reported = REDIAL_FIRST, nil
        while self.by_id[peer.id] do self.by_id[peer.id]:wait_gone() end
      elseif err.code == "exists" then
        return -- the address is our own
      elseif reported ~= err.code then
        reported = err.code
        host.log(err.code == "denied" and "error" or "warning", tostring(err))
      end
      host.sleep(pause * (0.5 + host.crypto.random(1):byte() / 256))
      pause = math.min(pause * 2, REDIAL_MOST)
    end
  end)
end

---Serves one connection that came.
local function receive_stranger(self, door, connection)
  local _ <close> = door:enter(connection)
  local _ <close> = connection
  local ready, err = connection:ready()
  if not ready then return self.host.log("info", "a connection failed in its handshake: " .. tostring(err)) end
  run(self, connection, function(peer, why)
    if peer then door:leave(connection) else self.host.log("info", tostring(why)) end
  end)
end

---Accepts connections on a listener until it is closed.
function Peers:listen(listener)
  self:spawn(function()
    local door = new_door(self.host)
    while true do
      door:wait()
      local connection = listener:accept(connection_options(self))
      if not connection then return end
      self:spawn(receive_stranger, self, door, connection)
    end
  end)
end

---Closes every connection and ends every task of ours.
function Peers:close()
  self.closed = true
  for connection in pairs(self.connections) do connection:close() end
  local tasks = {}
  for child in pairs(self.tasks) do tasks[#tasks + 1] = child end
  for _, child in ipairs(tasks) do child:cancel(CLOSED) end
  for _, child in ipairs(tasks) do pcall(child.join, child, 3) end
end

return new
