---A peer that speaks the protocol by hand, so that it can also break it: frames and messages as core/README.md describes them, without
---TLS. The node it talks to needs `tls = false`.
---
---    local stranger <close> = strangers.meet(node)     -- let in, as any peer with the cluster secret
---    stranger:message { id = 1, topic = "ping", body = {} }
---    stranger:frame(0x02, 1, 3, "abc")                 -- three bytes on stream 1
---    local reply, err = stranger:ask("find", {...})    -- a request and its reply
---    local code, why = stranger:farewell()             -- waits until the node ends the connection

local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"
local filo = require "filo"
local nodes = require "spec.support.nodes"

local SECONDS = 20
local FORMATS = { [0x01] = "<I4", [0x02] = "<I4I4", [0x03] = "<I4I4", [0x04] = "<I4I4" }

local strangers = {}

---@class spec.Stranger
local Stranger = {}
Stranger.__index = Stranger

---Exactly n bytes, or nil at the end.
local function read_exactly(self, n)
  while #self.unread < n do
    local bytes = self.raw:read(65536, SECONDS)
    if not bytes then return nil end
    self.unread = self.unread .. bytes
  end
  local bytes = self.unread:sub(1, n)
  self.unread = self.unread:sub(n + 1)
  return bytes
end

function Stranger:write(bytes) return self.raw:write(bytes) end

---A frame; the bytes, if any, come last.
function Stranger:frame(kind, ...)
  local fields, bytes = { ... }, ""
  if type(fields[#fields]) == "string" then bytes = table.remove(fields) end
  return self:write(string.char(kind) .. FORMATS[kind]:pack(table.unpack(fields)) .. bytes)
end

function Stranger:message(value)
  local bytes = cbor.encode(value)
  return self:frame(0x01, #bytes, bytes)
end

---The next frame: its kind and fields, and for messages and stream bytes what it carries.
function Stranger:next_frame()
  local kind = read_exactly(self, 1)
  if not kind then return nil end
  kind = kind:byte()
  local first, second = FORMATS[kind]:unpack(read_exactly(self, FORMATS[kind]:packsize()))
  if kind == 0x01 then return kind, cbor.decode(read_exactly(self, first)) end
  if kind == 0x02 then return kind, first, read_exactly(self, second) end
  return kind, first, second
end

---The next message that is no ping; stream bytes and credit on the way are noted.
function Stranger:next_message()
  while true do
    local kind, first, second = self:next_frame()
    if not kind then return nil end
    if kind == 0x01 and first.topic == "ping" then
      self:message { re = first.id, body = {} }
    elseif kind == 0x01 then
      return first
    elseif kind == 0x02 then
      self.streams[first] = (self.streams[first] or "") .. second
    elseif kind == 0x03 then
      self.credit[first] = (self.credit[first] or 0) + second
    else
      self.resets[first] = second
    end
  end
end

---Sends a request.
---@return integer id
function Stranger:request(topic, body)
  self.last_id = self.last_id + 1
  self:message { id = self.last_id, topic = topic, body = body }
  return self.last_id
end

---Waits for the reply to a request: its body, or nil and its error.
function Stranger:reply(id)
  while true do
    local message = self:next_message()
    if not message then return nil, { code = "closed", message = "the node ended the connection" } end
    if message.re == id then return message.body, message.error end
  end
end

function Stranger:ask(topic, body) return self:reply(self:request(topic, body)) end

---Waits for so much credit on a stream.
function Stranger:wait_credit(stream, bytes)
  while (self.credit[stream] or 0) < bytes do
    local kind, first, second = self:next_frame()
    if not kind then return false end
    if kind == 0x03 then self.credit[first] = (self.credit[first] or 0) + second end
  end
  return true
end

---Waits until the node ends the connection; gives the reason that it told, as the code's number.
function Stranger:farewell()
  while self:next_message() do end
  return self.resets[0]
end

function Stranger:close() self.raw:close() end
Stranger.__close = Stranger.close

local function dial(address)
  local raw = assert(filo.dial(address))
  return setmetatable({ raw = raw, unread = "", streams = {}, credit = {}, resets = {}, last_id = 0 }, Stranger)
end

---Connects and says nothing.
function strangers.dial(node) return dial(node.address) end

---Connects and says which node it is, before the first message.
---@param who? table identity (a new one)
function strangers.introduce(node, who)
  local self = dial(node.address)
  self.identity = who and who.identity or assert(crypto.identity_generate())
  local mine = "filo/1\r\n" .. crypto.random(32) .. self.identity:raw_id()
  self:write(mine)
  local theirs = assert(read_exactly(self, 72))
  self.binding = crypto.digest("sha256", mine .. theirs)
  return self
end

---The hello of a peer that knows the secret; some fields changed (false: left out).
function Stranger:hello(changes)
  local hello = {
    version = 1,
    proof = crypto.hmac_sha256(nodes.SECRET, "filo cluster v1 dialler" .. self.binding),
    signature = self.identity:sign("filo hello v1 dialler" .. self.binding),
    free = 1 << 40,
  }
  for name, value in pairs(changes or {}) do hello[name] = value or nil end
  self:message { hello = hello }
end

---Connects and is let in.
---@param who? table identity (a new one)
function strangers.meet(node, who)
  local self = strangers.introduce(node, who)
  self:hello()
  assert(self:next_message().hello, "a hello")
  assert(self:next_message().welcome, "a welcome")
  self:message { welcome = true }
  return self
end

return strangers
