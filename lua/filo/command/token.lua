---Tokens of `filo invite`: what a node needs to know to join others, as one line of text that may stand in a URL.
---
---    "filo_" and, in base64url (RFC 4648, section 5, without padding):
---    version 3 (1 byte), expiry (8 bytes, seconds since 1970), ID of the node that invites (32 bytes), its address, the cluster secret,
---    a capability, or nothing in its place, and the IDs of the namespaces that decide who is a member, one after the other (2 bytes of
---    length each, then the text), and the first 8 bytes of the SHA-256 of "filo token v3" and all that
---
---Numbers are big-endian. A token is not encrypted: who has it has the secret.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"

local token = {}

local PREFIX = "filo_"
local FORMAT = ">Bi8c32s2s2s2s2"
local VERSION = 3
local CHECK_SIZE = 8

local ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
local VALUES = {}
for i = 1, #ALPHABET do VALUES[ALPHABET:byte(i)] = i - 1 end

---Six bits a letter.
local function to_base64url(bytes)
  local letters, bits, held = {}, 0, 0
  for i = 1, #bytes do
    held, bits = (held << 8 | bytes:byte(i)) & 0xffff, bits + 8
    while bits >= 6 do
      bits = bits - 6
      local value = held >> bits & 63
      letters[#letters + 1] = ALPHABET:sub(value + 1, value + 1)
    end
  end
  if bits > 0 then
    local value = held << (6 - bits) & 63
    letters[#letters + 1] = ALPHABET:sub(value + 1, value + 1)
  end
  return table.concat(letters)
end

---nil when there is another letter in it.
local function from_base64url(text)
  local bytes, bits, held = {}, 0, 0
  for i = 1, #text do
    local value = VALUES[text:byte(i)]
    if not value then return nil end
    held, bits = (held << 6 | value) & 0xffff, bits + 6
    if bits >= 8 then
      bits = bits - 8
      bytes[#bytes + 1] = string.char(held >> bits & 255)
    end
  end
  return table.concat(bytes)
end

local function checksum(bytes) return assert(crypto.digest("sha256", "filo token v3" .. bytes)):sub(1, CHECK_SIZE) end

---@class filo.Invitation
---@field address string  where the node that invites is reached
---@field id string  its node ID, 64 hex digits
---@field secret string  of the cluster
---@field expires integer  seconds since 1970
---@field capability? string  for another machine of the same person: to write the namespace
---@field operators string[]  namespaces that decide who is a member, 64 hex digits each

---@param invitation filo.Invitation
---@return string
function token.encode(invitation)
  local bytes = FORMAT:pack(VERSION, invitation.expires, assert(crypto.unhex(invitation.id)), invitation.address, invitation.secret,
    invitation.capability or "", assert(crypto.unhex(table.concat(invitation.operators))))
  return PREFIX .. to_base64url(bytes .. checksum(bytes))
end

---The bytes that a token holds, once they are known to be those that it was made of.
local function payload(text)
  local letters = text:match("^%s*" .. PREFIX .. "(%S*)%s*$")
  if not letters then
    return errors.fail("invalid", "this is no token: one is a line that starts with '" .. PREFIX .. "', printed by 'filo invite'")
  end
  local all = from_base64url(letters) or ""
  local bytes, check = all:sub(1, -CHECK_SIZE - 1), all:sub(-CHECK_SIZE)
  if bytes == "" or check ~= checksum(bytes) or to_base64url(all) ~= letters then
    return errors.fail("corrupt", "the token was mistyped or cut: copy it again, whole")
  end
  return bytes
end

---Reads a token and checks that it is still good.
---@param text string
---@param now integer  seconds since 1970
---@return filo.Invitation?, filo.Error?
function token.decode(text, now)
  local bytes, err = payload(text)
  if not bytes then return nil, err end
  if bytes:byte() ~= VERSION then
    return errors.fail("unsupported", "the token was made by a newer Filo: install that version here, too")
  end
  local read, _, expires, raw_id, address, secret, capability, raw_operators = pcall(FORMAT.unpack, FORMAT, bytes)
  if not read then return errors.fail("corrupt", "the token makes no sense: ask for a new one (filo invite)") end
  if expires <= now then
    local when = os.date("!%Y-%m-%d %H:%M UTC", expires)
    return errors.fail("denied", ("the token expired at %s: ask for a new one (filo invite)"):format(when))
  end
  local operators = {}
  for each in raw_operators:gmatch(("."):rep(32)) do operators[#operators + 1] = crypto.hex(each) end
  return {
    address = address, id = crypto.hex(raw_id), secret = secret, expires = expires, capability = capability ~= "" and capability or nil,
    operators = operators,
  }
end

---Whether a text is, or was to be, a token.
---@param text string
---@return boolean
function token.is_one(text) return text:sub(1, #PREFIX) == PREFIX end

return token
