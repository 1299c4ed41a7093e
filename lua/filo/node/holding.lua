---Copies that are held for other identities: dropping one, and passing one on to a peer.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local sealed_version = require "filo.replication.sealed_version"
local superseded = require "filo.replication.superseded"

---A copy that is held for another identity, as `node:held` gives it.
---@class filo.HeldCopy
---@field owner string  namespace of who stored it, 64 hex digits
---@field key_hash string  32 bytes
---@field version integer
---@field size integer  bytes of content
---@field tombstone boolean  it is a deletion

---@class filo.Holding
local Holding = {}
Holding.__index = Holding

---@param given {host: filo.Host, disk: table, names: filo.Names, spread: filo.Spread, verifier: filo.Verifier, set_aside: filo.SetAside,
---  removal: filo.Removal, writes: fun(raw_id: string): boolean}
---@return filo.Holding
local function new(given) return setmetatable(given, Holding) end

---The namespace of a copy; nil and an error of this node's own.
---@param instead string  what its own objects are for
local function foreign(self, copy, instead)
  local namespace = self.host.crypto.unhex(copy.owner)
  if not self.writes(namespace) then return namespace end
  return errors.fail("invalid", "that is this node's own object, and not held for another: " .. instead)
end

---As Node:drop.
---@return true?, filo.Error?
function Holding:drop(copy)
  local namespace, err = foreign(self, copy, "evict removes the copy here, delete all of them")
  if not namespace then return nil, err end
  return self.removal(namespace, copy.key_hash, copy.version)
end

---`nil, err`: a peer has something that is no older than what it was sent.
local function newer(self, peer, namespace, version, record)
  local what, number, deletion = superseded({ host = self.host, disk = self.disk, namespace = namespace }, version, record)
  if not what then return nil, errors.wrap(number, tostring(peer), { peer = peer.id }) end
  local sentence = deletion and "%s knows that it was deleted, on %s" or "%s has a newer version of it, of %s"
  return errors.fail("exists", sentence:format(tostring(peer), format.date(number // 1000000)), { peer = peer.id, version = number })
end

---As Node:pass. A copy that the peer finds bad is checked here: it is set aside if so.
---@param peer filo.peers.Peer
---@return true?, filo.Error?
function Holding:pass(copy, peer)
  local namespace, err = foreign(self, copy, "replicate makes copies of it")
  if not namespace then return nil, err end
  local path
  path, err = self.names:path(copy.key_hash)
  if not path then return nil, err end
  local version
  version, err = sealed_version(self, namespace, path, copy)
  if not version then return nil, err end
  local _ <close> = at_end(function()
    if version.object then version.object:close() end
  end)
  local answer
  answer, err = self.spread:copy(peer, version)
  if answer and answer.record then return newer(self, peer, namespace, version, answer.record) end
  if answer and answer.here then
    return errors.fail("exists", ("%s has a copy of it already"):format(tostring(peer)), { peer = peer.id, version = copy.version })
  end
  if answer then return true end
  if err.code == "corrupt" then self.verifier:check(namespace, path) end
  return nil, err
end

return new
