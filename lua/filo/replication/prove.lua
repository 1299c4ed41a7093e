---Proving: a peer reads all of a copy that it says it has, and checks it, and shows that it did: it hashes the bytes under a nonce that it
---has not heard before, and another who has the same bytes does so, too. It goes on part by part, so that each answer shows that it goes
---on: one that takes too long for a part is given up, however long the whole takes.

local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local retry = require "filo.replication.retry"

---What a peer is challenged with: as the topic `prove` has it.
---@class filo.Challenge
---@field namespace string
---@field key_hash string
---@field version integer
---@field first integer
---@field count integer
---@field nonce string

---Who has the same bytes, and gives what the answer must be.
---@alias filo.Reference fun(challenge: filo.Challenge): string?, filo.Error?

---@class filo.Prove
local Prove = {}
Prove.__index = Prove

---@param given {host: filo.Host, peers: filo.Peers, hooks: filo.Hooks, activity: filo.Activities, verifier: filo.Verifier,
---  namespace: string}
---@return filo.Prove
local function new(given) return setmetatable(given, Prove) end

---Its bad copy it has set aside itself; one that lived before there was this question knows no such topic.
local function explain(self, peer, name, err)
  if err.code == "unsupported" then
    return errors.fail("unsupported", "it runs an older Filo, which cannot be asked to check its copy", { peer = peer.id })
  end
  if err.code == "corrupt" then
    self.peers.report("warning", peer.id, "bad copy", ("%s found its copy bad: %s"):format(tostring(peer), tostring(err)))
    self.hooks:announce("corrupt", { namespace = self.namespace, key_hash = name.hash }, peer, err)
  end
  return nil, err
end

---@param peer filo.peers.Peer
---@return {hash: string}?, filo.Error?
local function ask(self, peer, challenge)
  return retry(self.host, peer.across_takeover, peer, peer.ask, "prove", challenge, self.host.limits.prove)
end

---The copy here, to compare those of peers with.
---@param name filo.Name
---@return filo.Reference
function Prove:here(name)
  return function(challenge)
    local hash, err = self.verifier:prove(name.path, challenge)
    if hash then return hash end
    return nil, errors.wrap(err, "the copy here, with which it is compared, is not good")
  end
end

---The copy of another peer, to compare with, where none is here.
---@param peer filo.peers.Peer
---@return filo.Reference
function Prove:there(peer)
  return function(challenge)
    local answer, err = ask(self, peer, challenge)
    if answer then return answer.hash end
    return nil, errors.wrap(err, ("the copy of %s, with which it is compared, is not good"):format(tostring(peer)))
  end
end

local LIES = "it says that its copy is good, and does not have the bytes of it"

---Whether the copy of a peer is good, all of it.
---@param name filo.Name
---@param copy filo.Copy  what the peer says that it has
---@param reference filo.Reference  of the same version
---@return true?, filo.Error?
function Prove:at(name, copy, reference)
  local host = self.host
  local peer = self.peers:get(copy.node)
  if not peer then return errors.fail("unreachable", "it is not connected any more", { peer = copy.node }) end
  local count, first = chunks.count(host, copy.size), 0
  local _ <close> = self.activity:begin("check", { key = name.key, peer = copy.node, size = copy.size }, function()
    return chunks.before(host, copy.size, first)
  end)
  repeat
    local challenge = {
      namespace = self.namespace, key_hash = name.hash, version = copy.version, first = first,
      count = math.min(count - first, host.limits.proof), nonce = host.random(32),
    }
    local answer, err = ask(self, peer, challenge)
    if not answer then return explain(self, peer, name, err) end
    local wanted, problem = reference(challenge)
    if not wanted then return nil, problem end
    if not host.crypto.equal(answer.hash, wanted) then return explain(self, peer, name, errors.new("corrupt", LIES, { peer = peer.id })) end
    first = first + challenge.count
  until first >= count
  return true
end

return new
