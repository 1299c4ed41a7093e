---Proving: a peer reads all of a copy that it says it has, and checks it. It does so part by part, so that each answer shows that it goes
---on: one that takes too long for a part is given up, however long the whole takes.

local chunks = require "filo.copies.chunks"
local errors = require "filo.base.errors"
local retry = require "filo.replication.retry"

---@class filo.Prove
local Prove = {}
Prove.__index = Prove

---@param given {host: filo.Host, peers: filo.Peers, hooks: filo.Hooks, activity: filo.Activities, namespace: string}
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

---Whether the copy of a peer is good, all of it.
---@param name table  as Names:of gives it
---@param copy filo.Copy  what the peer says that it has
---@return true?, filo.Error?
function Prove:at(name, copy)
  local host = self.host
  local peer = self.peers:get(copy.node)
  if not peer then return errors.fail("unreachable", "it is not connected any more", { peer = copy.node }) end
  local count, first = chunks.count(host, copy.size), 0
  local _ <close> = self.activity:begin("check", { key = name.key, peer = copy.node, size = copy.size }, function()
    return chunks.before(host, copy.size, first)
  end)
  repeat
    local question = {
      namespace = self.namespace, key_hash = name.hash, version = copy.version, first = first,
      count = math.min(count - first, host.limits.proof),
    }
    local ok, err = retry(host, peer.across_takeover, peer, peer.ask, "prove", question, host.limits.prove)
    if not ok then return explain(self, peer, name, err) end
    first = first + question.count
  until first >= count
  return true
end

return new
