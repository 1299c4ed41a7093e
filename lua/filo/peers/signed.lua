---What is signed and passed on among members: the record that a member makes of itself, with its node's key; and with the key of a
---namespace, by who writes it, the verdict that he makes of a member, and the policy that he wants for its copies. All are CBOR, kept and
---passed on byte for byte, and each counts by its number only.

local errors = require "filo.base.errors"
local protocol = require "filo.peers.protocol"

local signed = {}

---@class filo.Signed
---@field text string  CBOR
---@field signature string  64 bytes

---Told apart by what is signed before them.
local PREFIX = { member = "filo member v1\n", verdict = "filo verdict v1\n", policy = "filo policy v1\n" }

local NAMES = { member = "member's record", verdict = "verdict", policy = "policy" }

---@param host filo.Host
---@param kind "member"|"verdict"|"policy"
---@param fields table  see peers/protocol.lua
---@param key filo.Identity|filo.Keys  that signs
---@return filo.Signed
function signed.make(host, kind, fields, key)
  local text = host.encode(fields)
  return { text = text, signature = assert(key:sign(PREFIX[kind] .. text)) }
end

---The fields, once the signature is found to be of who has to sign: a member, or a namespace.
---@param host filo.Host
---@param kind "member"|"verdict"|"policy"
---@param given filo.Signed
---@return table?, filo.Error?
function signed.read(host, kind, given)
  local fields, problem = protocol.read_signed(host, kind, given.text)
  if not fields then return errors.fail("protocol", ("a %s %s"):format(NAMES[kind], problem)) end
  local signer = kind == "member" and fields.id or fields.namespace
  if host.crypto.verify(signer, PREFIX[kind] .. given.text, given.signature) then return fields end
  return errors.fail("protocol", ("a %s has a false signature"):format(NAMES[kind]))
end

return signed
