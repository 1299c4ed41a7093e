---The far side of a connection without TLS, byte by byte: it can say what no node would say, cut wherever it likes. It reads only when
---told to. Its messages go as on a connection of filo.core.net (send, receive, binding, close); beside these it has the frames.
---
---    local peer <close> = wire.dial(address)            -- the handshake is done
---    peer:write(wire.message(bytes) .. wire.credit(1, 10), 3)   -- three bytes at a time
---    local frame = peer:frame()                         -- {type = "message", bytes = ...}; nil, err at the end
---    peer:write_stream(1, bytes)                        -- as the other side gives credit
---    assert.equal("protocol", peer:last_words())        -- why the other side has ended the connection

local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"
local filo = require "filo"

local wire = {}

local MAGIC, BULK_MAGIC = "filo/1\r\n", "filo/b\r\n"
local SECONDS = 20
local NAMES = { "message", "stream", "credit", "reset", "ping", "pong" }

---Codes of core/error.h, as a reset tells them.
local REASONS = {
  "invalid", "not_found", "exists", "corrupt", "io", "no_space", "denied", "locked", "timeout", "closed", "cancelled", "protocol",
  "unreachable", "busy", "too_large", "no_memory", "unsupported",
}

wire.me = assert(crypto.identity_from_seed(("w"):rep(32)))

---Frames as bytes.
function wire.message(bytes) return ("<Bs4"):pack(1, bytes) end
function wire.value(value) return wire.message(cbor.encode(value)) end
function wire.stream(number, bytes) return ("<BI4s4"):pack(2, number, bytes) end
function wire.credit(number, bytes) return ("<BI4I4"):pack(3, number, bytes) end
function wire.reset(number, reason) return ("<BI4I4"):pack(4, number, reason) end
function wire.ping(token) return ("<Bi8"):pack(5, token) end
function wire.pong(token) return ("<Bi8"):pack(6, token) end

---@class spec.WirePeer
---@field id string the other side's
---@field messages table that have come and were not received yet
---@field streams table bytes that have come, by stream
---@field credit table that has come, by stream
---@field resets table reasons, by stream
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

---Writes so many bytes at a time, each as a piece of its own; all at once when left out.
function Peer:write(bytes, step)
  if not step then return assert(self.raw:write(bytes)) end
  for at = 1, #bytes, step do
    assert(self.raw:write(bytes:sub(at, at + step - 1)))
    assert(self.raw:flush())
    filo.sleep(0) -- the other side reads it
  end
end

---The next frame; nil, err at the end, which may come in the middle of one that carries bytes.
function Peer:frame()
  local kind, err = self:read(1)
  if not kind then return nil, err end
  local frame = { type = NAMES[kind:byte()] }
  if frame.type == "ping" or frame.type == "pong" then
    frame.token = ("<i8"):unpack(assert(self:read(8)))
    return frame
  end
  if frame.type ~= "message" then frame.stream = ("<I4"):unpack(assert(self:read(4))) end
  frame.value = ("<I4"):unpack(assert(self:read(4)))
  if frame.type ~= "message" and frame.type ~= "stream" then return frame end
  frame.bytes = self:read(frame.value)
  if frame.bytes then return frame end
  return nil, filo.error("unreachable", "the other side hung up in the middle of a frame")
end

---Takes the next frame and notes what it says, or answers it when it is a ping; nil, err at the end.
function Peer:take()
  local frame, err = self:frame()
  if not frame then return nil, err end
  local stream = frame.stream
  if frame.type == "message" then
    table.insert(self.messages, cbor.decode(frame.bytes))
  elseif frame.type == "stream" then
    self.streams[stream] = (self.streams[stream] or "") .. frame.bytes
  elseif frame.type == "credit" then
    self.credit[stream] = (self.credit[stream] or 0) + frame.value
  elseif frame.type == "ping" then
    self.raw:write(wire.pong(frame.token))
  elseif frame.type == "reset" then
    self.resets[stream] = REASONS[frame.value] or "closed"
  end
  return frame
end

---Sends a message.
function Peer:send(message) return self.raw:write(wire.value(message)) end

---The next message; at the end nil, and the reason as last_words gives it.
function Peer:receive()
  while #self.messages == 0 do
    local frame, err = self:take()
    if not frame then return nil, filo.error(self.resets[0] or err.code, "the other side has ended the connection") end
  end
  return table.remove(self.messages, 1)
end

---Reads to the end; gives the reason that was told, in a reset of stream 0, if there was one.
function Peer:last_words()
  local frame, err
  repeat frame, err = self:take() until not frame
  return self.resets[0], err
end

---Waits for so much credit on a stream in all; false when it is reset or the connection ends.
function Peer:wait_credit(stream, bytes)
  while (self.credit[stream] or 0) < bytes do
    if not self:take() or self.resets[stream] then return false end
  end
  return true
end

---Writes bytes of a stream, as credit comes for them, in frames of that size, cut at each step. False when no more credit comes.
function Peer:write_stream(stream, bytes, size, step)
  local at = 1
  while at <= #bytes do
    local sent = self.sent[stream] or 0
    if not self:wait_credit(stream, sent + 1) then return false end
    local piece = bytes:sub(at, at + math.min(self.credit[stream] - sent, size or 1 << 18) - 1)
    self:write(wire.stream(stream, piece), step)
    self.sent[stream], at = sent + #piece, at + #piece
  end
  return true
end

---Gives credit for so many bytes of a stream and reads them; nil when the connection ends before.
function Peer:read_stream(stream, count)
  self:write(wire.credit(stream, count))
  while #(self.streams[stream] or "") < count do
    if not self:take() then return nil end
  end
  return self.streams[stream]
end

function Peer:binding() return self.bound_to end

function Peer:close() self.raw:close() end
Peer.__close = Peer.close

local function shake_hands(raw, dialler, id, magic)
  local self = setmetatable({ raw = assert(raw), messages = {}, streams = {}, credit = {}, resets = {}, sent = {} }, Peer)
  local ours = magic .. crypto.random(32) .. id
  self:write(ours)
  local theirs = assert(self:read(72))
  assert(theirs:sub(1, 8) == magic)
  self.id = theirs:sub(41)
  self.bound_to = crypto.digest("sha256", dialler and ours .. theirs or theirs .. ours)
  return self
end

---@param identity? table wire.me when left out
function wire.dial(address, identity) return shake_hands(filo.dial(address), true, (identity or wire.me):raw_id(), MAGIC) end

---A bulk line, with a ticket of 32 bytes.
function wire.dial_bulk(address, ticket) return shake_hands(filo.dial(address), true, ticket, BULK_MAGIC) end

---Accepts the next connection of a filo.listen listener.
function wire.accept(listener, identity) return shake_hands(listener:accept(), false, (identity or wire.me):raw_id(), MAGIC) end

return wire
