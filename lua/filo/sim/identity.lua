---Identities of a simulated world. What a key signs, whoever belongs to the world can check and nobody else can make: the world keeps the
---keys, which costs a hash where a signature costs 200.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"

---@class filo.sim.Identity
local Identity = {}
Identity.__index = Identity

---The keys to a namespace.
---@class filo.sim.Namespace
local Namespace = {}
Namespace.__index = Namespace

---The keys of a world: ID of a node or a namespace (raw) -> signing key; and those that were given, by line.
---@class filo.sim.Keyring
local Keyring = {}
Keyring.__index = Keyring

---@return filo.sim.Keyring
local function new_keyring() return setmetatable({ keys = {}, given = {} }, Keyring) end

local function new_namespace(random)
  return setmetatable({ raw = random:bytes(32), key = random:bytes(32), secret = random:bytes(32) }, Namespace)
end

---A namespace that is nobody's own, and a line by which nodes accept it.
---@param random filo.sim.Random
---@return string line
function Keyring:share(random)
  local keys = new_namespace(random)
  self.keys[keys.raw], self.given[keys:id()] = keys.key, keys
  return keys:id()
end

---The keys that a line gives.
---@return filo.sim.Namespace?, filo.Error?
function Keyring:read(line)
  local keys = self.given[line]
  if keys then return keys end
  return errors.fail("not_found", "no keys were given by that line")
end

---@param random filo.sim.Random
---@return filo.sim.Identity
function Keyring:generate(random)
  local keys = new_namespace(random)
  local identity = setmetatable({ raw = random:bytes(32), key = random:bytes(32), keys = keys }, Identity)
  self.keys[identity.raw], self.keys[keys.raw] = identity.key, keys.key
  return identity
end

---64 bytes, as Ed25519 gives.
---@return string
local function sign(key, data)
  local mac = crypto.hmac_sha256(key, data)
  return mac .. mac
end

---@param raw_id string
---@return true?, filo.Error?
function Keyring:verify(raw_id, data, signature)
  local key = self.keys[raw_id]
  if key and sign(key, data) == signature then return true end
  return errors.fail("corrupt", "the signature is not good")
end

function Identity:id() return crypto.hex(self.raw) end

function Identity:raw_id() return self.raw end

function Identity:sign(data) return sign(self.key, data) end

function Identity:namespace() return self.keys end

function Identity:close() end -- luacheck: no self

Identity.__close = Identity.close

function Namespace:id() return crypto.hex(self.raw) end

function Namespace:raw_id() return self.raw end

function Namespace:access() return "write" end -- luacheck: no self

function Namespace:sign(data) return sign(self.key, data) end

function Namespace:key_hash(key) return crypto.hmac_sha256(crypto.hmac_sha256(self.secret, "filo name v2"), key) end

---What seals the metadata of an object.
function Namespace:object_key(key_hash, generation)
  local secret = crypto.hmac_sha256(self.secret, ("<zI4"):pack("filo secret v2", generation))
  return crypto.hmac_sha256(secret, "filo object v2" .. key_hash)
end

function Namespace:close() end -- luacheck: no self

Namespace.__close = Namespace.close

return { new_keyring = new_keyring, class = Identity }
