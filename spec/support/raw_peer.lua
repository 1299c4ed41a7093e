---A peer that speaks the protocol by hand, so that it can also break it: frames and messages as core/README.md describes them, without
---TLS. The node it talks to needs `tls = false`.
---
---    local stranger <close> = raw_peers.meet(node)     -- let in, as any peer with the cluster secret
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

local raw_peers = {}

---@class spec.RawPeer
local RawPeer = {}
RawPeer.__index = RawPeer

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

function RawPeer:write(bytes)
  if not self.held then return self.raw:write(bytes) end
  table.insert(self.held, bytes)
end

---What is written from now on waits for `release`, which sends all of it, in one go or so many bytes at a time.
function RawPeer:hold() self.held = {} end

function RawPeer:release(step)
  local bytes = table.concat(self.held)
  self.held = nil
  for at = 1, #bytes, step or #bytes do
    self:write(bytes:sub(at, at + (step or #bytes) - 1))
    self.raw:flush()
  end
end

---A frame; the bytes, if any, come last.
function RawPeer:frame(kind, ...)
  local fields, bytes = { ... }, ""
  if type(fields[#fields]) == "string" then bytes = table.remove(fields) end
  return self:write(string.char(kind) .. FORMATS[kind]:pack(table.unpack(fields)) .. bytes)
end

function RawPeer:message(value)
  local bytes = cbor.encode(value)
  return self:frame(0x01, #bytes, bytes)
end

---The next frame: its kind and fields, and for messages and stream bytes what it carries.
function RawPeer:next_frame()
  local kind = read_exactly(self, 1)
  if not kind then return nil end
  kind = kind:byte()
  local first, second = FORMATS[kind]:unpack(read_exactly(self, FORMATS[kind]:packsize()))
  if kind == 0x01 then return kind, cbor.decode(read_exactly(self, first)) end
  if kind == 0x02 then return kind, first, read_exactly(self, second) end
  return kind, first, second
end

---Takes the next frame: notes stream bytes, credit and resets, answers pings; gives any other message. False at the end.
local function take_frame(self)
  local kind, first, second = self:next_frame()
  if not kind then return false end
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

---The next message that is no ping; nil at the end.
function RawPeer:next_message()
  while true do
    local message = take_frame(self)
    if message then return message end
    if message == false then return nil end
  end
end

---Sends a request.
---@return integer id
function RawPeer:request(topic, body)
  self.last_id = self.last_id + 1
  self:message { id = self.last_id, topic = topic, body = body }
  return self.last_id
end

---Waits for the reply to a request: its body, or nil and its error. Replies come in any order.
function RawPeer:reply(id)
  local deadline = filo.now() + SECONDS
  while not self.replies[id] do
    local message = self:next_message()
    if not message then return nil, { code = "closed", message = "the node ended the connection" } end
    if message.re then self.replies[message.re] = message end
    if filo.now() > deadline then error("no reply in time", 2) end
  end
  return self.replies[id].body, self.replies[id].error
end

function RawPeer:ask(topic, body) return self:reply(self:request(topic, body)) end

---Waits for so much credit on a stream; false when it is reset or the connection ends.
function RawPeer:wait_credit(stream, bytes)
  while (self.credit[stream] or 0) < bytes do
    local message = take_frame(self)
    if message == false or self.resets[stream] then return false end
    if message and message.re then self.replies[message.re] = message end
  end
  return true
end

---Waits until the node ends the connection, and ends it too; gives the reason that it told, as the code's number.
function RawPeer:farewell()
  local deadline = filo.now() + SECONDS
  while self:next_message() do
    if filo.now() > deadline then error("the node has not ended the connection in time", 2) end
  end
  self:close()
  return self.resets[0]
end

function RawPeer:close() self.raw:close() end
RawPeer.__close = RawPeer.close

local function dial(address)
  local raw = assert(filo.dial(address))
  return setmetatable({ raw = raw, unread = "", streams = {}, credit = {}, resets = {}, replies = {}, last_id = 0 }, RawPeer)
end

---Reads all of a forged object from the node: hashes, then content. nil, err when it is not there.
function RawPeer:read(forged)
  local count, size = #forged.hashes // 32, #forged.hashes + #forged.content
  local answer, err = self:ask("read", {
    namespace = forged.namespace, key_hash = forged.key_hash, version = forged.version, hashes = true, first = 0, count = count,
  })
  if not answer then return nil, err end
  self:frame(0x03, answer.stream, size)
  while #(self.streams[answer.stream] or "") < size do
    if take_frame(self) == false then return nil, { code = "closed", message = "the node ended the connection" } end
  end
  return self.streams[answer.stream]
end

---Offers a forged object and, when it is wanted, asks for it to be taken from stream 1.
---@return integer? id of the request, whose reply comes after the bytes
function RawPeer:offer(forged)
  local answer, err = self:ask("offer", { record = forged.record })
  if not answer then return nil, err end
  return self:request("fill", { record = forged.record, stream = 1, hashes = true, first = 0 })
end

---Sends the bytes of stream 1, as far as there is credit for them.
function RawPeer:stream(bytes)
  local at = 1
  while at <= #bytes do
    self.sent = self.sent or 0
    if not self:wait_credit(1, self.sent + 1) then return end
    local piece = bytes:sub(at, at + math.min(self.credit[1] - self.sent, 1 << 18) - 1)
    self:frame(0x02, 1, #piece, piece)
    self.sent = self.sent + #piece
    at = at + #piece
  end
end

function RawPeer:end_stream() self:frame(0x02, 1, 0) end

---Connects and says nothing.
function raw_peers.dial(node) return dial(node.address) end

---Connects and says which node it is, before the first message.
---@param who? table identity (a new one)
function raw_peers.introduce(node, who)
  local self = dial(node.address)
  self.identity = who and who.identity or assert(crypto.identity_generate())
  local mine = "filo/1\r\n" .. crypto.random(32) .. self.identity:raw_id()
  self:write(mine)
  local theirs = assert(read_exactly(self, 72))
  self.binding = crypto.digest("sha256", mine .. theirs)
  return self
end

---The hello of a peer that knows the secret; some fields changed (false: left out).
function RawPeer:hello(changes)
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
function raw_peers.meet(node, who)
  local self = raw_peers.introduce(node, who)
  self:hello()
  assert(self:next_message().hello, "a hello")
  assert(self:next_message().welcome, "a welcome")
  self:message { welcome = true }
  return self
end

return raw_peers
