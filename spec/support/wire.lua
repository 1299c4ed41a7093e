---The far side of a connection without TLS, byte by byte: it can say what no node would say, cut wherever it likes.
---
---    local peer <close> = wire.dial(address)            -- the handshake is done
---    peer:send(wire.message(bytes) .. wire.credit(1, 10), 3)   -- three bytes at a time
---    local frame = peer:frame()                         -- {type = "message", bytes = ...}; nil, err at the end
---    peer:hello(node, secret)                           -- as a node, let in

local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"
local filo = require "filo"

local wire = {}

local MAGIC = "filo/1\r\n"
local SECONDS = 20
local NAMES = { "message", "stream", "credit", "reset" }

wire.me = assert(crypto.identity_from_secrets(("w"):rep(32), ("i"):rep(32)))

---Frames as bytes.
function wire.message(bytes) return ("<Bs4"):pack(1, bytes) end
function wire.value(value) return wire.message(cbor.encode(value)) end
function wire.stream(number, bytes) return ("<BI4s4"):pack(2, number, bytes) end
function wire.credit(number, bytes) return ("<BI4I4"):pack(3, number, bytes) end
function wire.reset(number, reason) return ("<BI4I4"):pack(4, number, reason) end

---@class spec.WirePeer
local Peer = {}
Peer.__index = Peer

---Bytes; nil, err when fewer came.
function Peer:read(count)
  local pieces = {}
  while count > 0 do
    local piece, err = self.raw:read(count, SECONDS)
    if not piece then return nil, err end
    pieces[#pieces + 1] = piece
    count = count - #piece
  end
  return table.concat(pieces)
end

---Sends so many bytes at a time, each as a piece of its own; all at once when left out.
function Peer:send(bytes, step)
  for at = 1, #bytes, step or math.max(#bytes, 1) do
    assert(self.raw:write(bytes:sub(at, step and at + step - 1 or -1)))
    assert(self.raw:flush())
    if step then filo.sleep(0) end -- the other side reads it
  end
end

---The next frame; nil, err at the end.
function Peer:frame()
  local kind, err = self:read(1)
  if not kind then return nil, err end
  local frame = { type = NAMES[kind:byte()] }
  if frame.type ~= "message" then frame.stream = ("<I4"):unpack(assert(self:read(4))) end
  frame.value = ("<I4"):unpack(assert(self:read(4)))
  if frame.type == "message" or frame.type == "stream" then frame.bytes = assert(self:read(frame.value)) end
  return frame
end

---The next message, as a value.
function Peer:value()
  local frame, err = self:frame()
  if not frame then return nil, err end
  assert(frame.type == "message", "a message was expected, not a " .. frame.type)
  return cbor.decode(frame.bytes)
end

---Reads to the end; gives the reason of the last words, a reset of stream 0, if there were such.
function Peer:last_words()
  local reason
  while true do
    local frame, err = self:frame()
    if not frame then return reason, err end
    if frame.type == "reset" and frame.stream == 0 then reason = frame.value end
  end
end

local function part(dialler) return dialler and "dialler" or "listener" end

---The proof of the cluster secret, by one side.
function Peer:proof(secret, dialler)
  return crypto.hmac_sha256(secret, "filo cluster v1 " .. part(dialler) .. self.binding)
end

---What a node says first; fields may be changed.
function Peer:make_hello(secret, fields)
  local hello = {
    version = 1, proof = self:proof(secret, self.dialler),
    signature = self.identity:sign("filo hello v1 " .. part(self.dialler) .. self.binding),
  }
  for name, value in pairs(fields or {}) do hello[name] = value end
  return { hello = hello }
end

---Greets a node and is let in.
function Peer:greet(secret)
  self:send(wire.value(self:make_hello(secret)) .. wire.value { welcome = true })
  assert(self:value().hello)
  assert(self:value().welcome)
  return self
end

function Peer:close() self.raw:close() end
Peer.__close = Peer.close

local function shake_hands(raw, dialler, identity)
  local self = setmetatable({ raw = assert(raw), dialler = dialler, identity = identity or wire.me }, Peer)
  local ours = MAGIC .. crypto.random(32) .. self.identity:raw_id()
  self:send(ours)
  local theirs = assert(self:read(72))
  assert(theirs:sub(1, 8) == MAGIC)
  self.id = theirs:sub(41)
  self.binding = crypto.digest("sha256", dialler and ours .. theirs or theirs .. ours)
  return self
end

function wire.dial(address, identity) return shake_hands(filo.dial(address), true, identity) end

---Accepts the next connection of a filo.listen listener.
function wire.accept(listener, identity) return shake_hands(listener:accept(), false, identity) end

return wire
