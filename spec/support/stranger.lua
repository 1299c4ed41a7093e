---A peer made by hand: it says what a spec wants it to say, message by message.
---
---    local stranger <close> = strangers.meet(node)            -- greeted and let in, with an identity of its own
---    stranger:on("find", function(body) return { body = { record = ... } } end)   -- a whole reply; nil: no answer
---    local body, err = stranger:ask("ping", {})
---    assert.equal("protocol", stranger:farewell())            -- the node ends the connection, and why
---
---It serves what the node asks, in a task of its own. With `tls = false` (for nodes that have that option, too) it reads only while it
---waits for something, and `stranger.line` is a peer of wire.lua: it can break the frames.
---`strangers.call(node)` only connects, and leaves the greeting to the spec.

local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"
local filo = require "filo"
local forge = require "spec.support.forge"
local net = require "filo.core.net"
local new_bell = require "spec.support.bell"
local nodes = require "spec.support.nodes"
local wire = require "spec.support.wire"

local SECONDS = 20

local strangers = {}

---@class spec.Stranger
---@field line table a connection of filo.core.net, or what stands for one without TLS
---@field keys filo.Keys to its namespace
---@field replies table whole ones, by number
---@field gone table? why the connection has ended
local Stranger = {}
Stranger.__index = Stranger

---@param given? table identity, tls (false: none)
function strangers.call(node, given)
  local identity = given and given.identity or assert(crypto.identity_generate())
  local self = setmetatable({ identity = identity, id = identity:id(), keys = identity:namespace(), handlers = {}, replies = {}, last = 0 },
    Stranger)
  self.bell = new_bell()
  if given and given.tls == false then
    self.line = wire.dial(node.address, identity)
  else
    self.tls = assert(net.tls(identity))
    self.line = assert(net.dial(node.address, { id = identity:raw_id(), tls = self.tls }))
  end
  return self
end

---One that is connected to nobody: for what it signs.
---@param identity? filo.Identity
function strangers.forged(identity)
  identity = identity or assert(crypto.identity_generate())
  return setmetatable({ identity = identity, id = identity:id(), keys = identity:namespace() }, Stranger)
end

---Connects and is let in.
function strangers.meet(node, given)
  local self = strangers.call(node, given)
  self:greet()
  return self
end

---The proof of the cluster secret, by one side.
---@param part? string "dialler" (a stranger always is) or "listener"
function Stranger:proof(secret, part)
  return crypto.hmac_sha256(secret or nodes.SECRET, "filo cluster v1 " .. (part or "dialler") .. self.line:binding())
end

---The proof of the ID, which only a connection without TLS needs.
function Stranger:signature(part) return self.identity:sign("filo hello v1 " .. (part or "dialler") .. self.line:binding()) end

---With some fields changed (nodes.NONE: left out).
local function changed(fields, changes)
  for name, value in pairs(changes or {}) do
    if value == nodes.NONE then fields[name] = nil else fields[name] = value end
  end
  return fields
end

---The hello of a peer that knows the cluster secret, some fields changed.
function Stranger:hello(changes)
  return { hello = changed({ version = 5, proof = self:proof(), signature = not self.tls and self:signature() or nil }, changes) }
end

---The proof that it writes a namespace: its own.
---@param keys? filo.Keys
function Stranger:claim(keys)
  keys = keys or self.keys
  return {
    namespace = keys:raw_id(), generation = 0, signature = keys:sign("filo claim v2 dialler" .. self.line:binding() .. "\0\0\0\0"),
  }
end

---Its welcome, with these fields.
function Stranger:welcome(fields) return { welcome = fields or { claims = { self:claim() } } } end

---What it says of itself, signed: some fields changed.
---@param changes? table
function Stranger:member(changes)
  local fields = changed({ id = self.identity:raw_id(), number = 1, addresses = {}, about = {} }, changes)
  local text = cbor.encode(fields)
  return { text = text, signature = self.identity:sign("filo member v1\n" .. text) }
end

---What the owner of a namespace decides about a member, signed.
---@param node_id string
---@param state "forgotten"|"draining"|"member"
---@param changes? table
function Stranger:verdict(node_id, state, changes)
  local fields = { member = crypto.unhex(node_id), state = state, number = 1, namespace = self.keys:raw_id(), time = 1 }
  local text = cbor.encode(changed(fields, changes))
  return { text = text, signature = self.keys:sign("filo verdict v1\n" .. text) }
end

---What the owner of a namespace wants of its copies, signed.
---@param spec table|"none"
---@param number integer
function Stranger:policy(spec, number)
  local text = cbor.encode { namespace = self.keys:raw_id(), number = number, spec = spec, node = crypto.unhex(self.id), time = 1 }
  return { text = text, signature = self.keys:sign("filo policy v1\n" .. text) }
end

---Sends a message; waits for the next one; nil, err when the connection has ended.
function Stranger:say(message) return self.line:send(message) end
function Stranger:hear() return self.line:receive(SECONDS) end

---Greets as a peer does, and serves from then on. Gives the hello and the welcome of the node.
function Stranger:greet(changes)
  assert(self:say(self:hello(changes)))
  local hello = assert(assert(self:hear()).hello)
  local welcome = assert(assert(self:hear()).welcome)
  if self.tls then self.line:admit() end
  assert(self:say(self:welcome()))
  if self.tls then self:serve() end
  return hello, welcome
end

---Answers requests from now on.
function Stranger:serve()
  self.serving = filo.spawn(function()
    while not self.gone do self:attend() end
  end)
end

---Takes the next message: keeps a reply, answers a request.
function Stranger:attend()
  local message, err = self.line:receive()
  if not message then
    self.gone = err
    self.bell:ring()
  elseif message.re then
    self.replies[message.re] = message
    self.bell:ring()
  elseif message.topic then
    if self.serving then filo.spawn(self.answer, self, message) else self:answer(message) end
  end
end

function Stranger:answer(request)
  local handler, reply = self.handlers[request.topic], { body = {} }
  if handler then reply = handler(request.body, self) end
  if not reply then return end
  reply.re = request.id
  self:say(reply)
end

---Waits until fn gives something, or the node has ended the connection.
function Stranger:wait(fn, what)
  local function is_over() return fn() or self.gone end
  local deadline = filo.now() + SECONDS
  if self.serving then self.bell:wait(SECONDS, is_over) end
  while not is_over() do
    if filo.now() >= deadline then error("no " .. what .. " in time", 2) end
    self:attend()
  end
end

---Answers requests of a topic; without, they are answered with {}.
function Stranger:on(topic, fn) self.handlers[topic] = fn end

---Sends a request without waiting; gives its number.
function Stranger:request(topic, body)
  self.last = self.last + 1
  assert(self:say { id = self.last, topic = topic, body = body })
  return self.last
end

---The reply to a request: its body, or nil and its error. Raises an error when there is none in time. Replies come in any order.
function Stranger:reply(number)
  self:wait(function() return self.replies[number] end, "reply")
  local reply = assert(self.replies[number], self.gone)
  return reply.body, reply.error
end

function Stranger:ask(topic, body) return self:reply(self:request(topic, body)) end

---Asks for what the node refuses; gives the code and the sentence that it answers.
function Stranger:refusal(topic, body)
  local answer, err = self:ask(topic, body)
  if answer ~= nil then error(("'%s' was not refused"):format(topic), 2) end
  return err.code, err.message
end

---Asks what the node has at a forged object's place.
function Stranger:find(forged) return self:ask("find", { namespace = forged.namespace, key_hash = forged.key_hash }) end

---Waits until the node ends the connection, and ends it too; gives the code that the node told.
function Stranger:farewell()
  self:wait(function() end, "end of the connection")
  self.line:close()
  return self.gone.code
end

---A record of its own, well signed, about content that nobody has. fields: as forge takes them.
function Stranger:record(fields) return forge(self.keys, fields).record end

-- Forged objects by streams of its own, without TLS --

---Asks for a stream with all of a forged object, hashes and then content; gives them. nil, err when it is not there.
function Stranger:read(forged)
  local answer, err = self:ask("read", {
    namespace = forged.namespace, key_hash = forged.key_hash, version = forged.version, hashes = true, first = 0,
    count = #forged.hashes // 32,
  })
  if not answer then return nil, err end
  return assert(self.line:read_stream(answer.stream, #forged.hashes + #forged.content))
end

---Offers a forged object and, when it is wanted, asks for it to be taken from stream 1.
---@return integer? number of the request, whose reply comes after the bytes
---@return table? answer to the offer, or its error
function Stranger:offer(forged)
  local answer, err = self:ask("offer", { record = forged.record })
  if not answer then return nil, err end
  local fill = { record = forged.record, stream = 1, hashes = answer.hashes, first = answer.want }
  return self:request("fill", fill), answer
end

---Sends on stream 1 what the answer to an offer wants of a forged object; gives the reply.
function Stranger:deliver(forged, fill, answer)
  local hashes = answer.hashes and forged.hashes or ""
  self.line:write_stream(1, hashes .. forged.content:sub(1 + answer.want * (1 << 20)))
  self.line:write(wire.stream(1, ""))
  return self:reply(fill)
end

function Stranger:close()
  self.line:close()
  if self.serving then self.serving:join() end
  if self.tls then self.tls:close() end
end

Stranger.__close = Stranger.close

return strangers
