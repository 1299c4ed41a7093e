---A peer made by hand: it says what a spec wants it to say, message by message.
---
---    local stranger <close> = strangers.dial(node)             -- greeted and let in, with an identity of its own
---    stranger:on("find", function(body) return { body = { record = ... } } end)   -- a whole reply; nil: no answer
---    local reply = stranger:ask("ping", {})                    -- the whole reply: {re =, body =, error =}
---
---`strangers.call(node)` only connects, and leaves the greeting to the spec.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local net = require "filo.core.net"
local nodes = require "spec.support.nodes"

local SECONDS = 10

local strangers = {}

---@class spec.Stranger
local Stranger = {}
Stranger.__index = Stranger

---@param given? table identity, tls (false: none)
function strangers.call(node, given)
  given = given or {}
  local identity = given.identity or crypto.identity_generate()
  local tls = given.tls ~= false and assert(net.tls(identity)) or nil
  local connection, err = net.dial(node.address, { id = identity:raw_id(), tls = tls })
  if not connection then
    if tls then tls:close() end
    return nil, err
  end
  return setmetatable({
    identity = identity, id = identity:id(), tls = tls, connection = connection, handlers = {}, replies = {}, last = 0,
  }, Stranger)
end

---The hello of a peer that knows the cluster secret.
function Stranger:hello(given)
  local hello = { version = 1, proof = crypto.hmac_sha256(nodes.SECRET, "filo cluster v1 dialler" .. self.connection:binding()) }
  for name, value in pairs(given or {}) do
    if value == nodes.NONE then hello[name] = nil else hello[name] = value end
  end
  return { hello = hello }
end

---Sends a message; waits for the next one; nil, err when the connection has ended.
function Stranger:say(message) return self.connection:send(message) end
function Stranger:hear(seconds) return self.connection:receive(seconds or SECONDS) end

---Greets as a peer does, and serves from then on.
function Stranger:greet()
  assert(self:say(self:hello()))
  assert(self:say { welcome = true })
  assert(assert(self:hear()).hello)
  assert(assert(self:hear()).welcome)
  self.connection:admit()
  self.serving = filo.spawn(function() self:serve() end)
  return self
end

function Stranger:serve()
  while true do
    local message, err = self.connection:receive()
    if not message then
      self.gone = err
      return
    end
    if message.re then
      self.replies[message.re] = message
    else
      local handler = self.handlers[message.topic]
      filo.spawn(function()
        local reply = handler and handler(message.body, self) or not handler and { body = {} }
        if not reply then return end
        reply.re = message.id
        self.connection:send(reply)
      end)
    end
  end
end

function strangers.dial(node, given) return assert(strangers.call(node, given)):greet() end

---Answers requests of a topic; without, they are answered with {}.
function Stranger:on(topic, fn) self.handlers[topic] = fn end

---Sends a request without waiting; gives its number.
function Stranger:send(topic, body)
  self.last = self.last + 1
  assert(self:say { id = self.last, topic = topic, body = body })
  return self.last
end

---The reply to a request; an error when there is none in time.
function Stranger:reply(number)
  nodes.wait(function() return self.replies[number] or self.gone end, "reply", SECONDS)
  return assert(self.replies[number], self.gone)
end

function Stranger:ask(topic, body) return self:reply(self:send(topic, body)) end

---A record of its own, well signed, about content that nobody has. fields: size, version, key_hash, namespace, root.
function Stranger:record(fields)
  local clear = ("<BBBBI4I8I8c32c32c16c32"):pack(1, 0, 20, 0, 60, fields.version or 1, fields.size,
    fields.namespace or self.identity:raw_id(), fields.key_hash or ("h"):rep(32), ("i"):rep(16), fields.root or ("r"):rep(32))
  local unsigned = clear .. ("m"):rep(60)
  return unsigned .. self.identity:sign("filo record v1" .. unsigned)
end

function Stranger:close()
  self.connection:close()
  if self.serving then self.serving:join() end
  if self.tls then self.tls:close() end
end

Stranger.__close = Stranger.close

return strangers
