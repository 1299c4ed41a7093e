---A script's functions that only decide: tables in, decisions out. They cannot wait, what they are given is theirs to change, and what
---they raise is a text.

local copy = require "filo.base.copy"
local errors = require "filo.base.errors"

local pure = {}

local function results(ok, ...)
  if not ok then error(errors.text((...)), 0) end
  return ...
end

---The function as one that cannot wait.
---@param pinned fun(fn: function, ...): ...  calls a function that cannot wait
function pure.wrap(pinned, fn)
  return function(...) return results(pcall(pinned, fn, ...)) end
end

---The same for a function that says yes or no, and why.
function pure.judge(pinned, fn)
  local function judge(...)
    local verdict, reason = fn(...)
    return verdict, reason ~= nil and errors.text(reason) or nil
  end
  return pure.wrap(pinned, judge)
end

local Peer = {}
function Peer:__tostring() return ("peer %s at %s"):format(tostring(self.id):sub(1, 16), tostring(self.address)) end

---What a policy may know of a peer.
---@param peer filo.Peer
---@param holds? boolean  that it has a copy
function pure.peer(peer, holds)
  return setmetatable({
    id = peer.id, address = peer.address, listen = peer.listen, about = copy(peer.about), free = peer.free, rtt = peer.rtt, holds = holds,
  }, Peer)
end

---The same of all peers of a list.
---@param list filo.Peer[]
---@param has table<string, boolean>  by ID: who has a copy
function pure.peers(list, has)
  local copies = {}
  for i, peer in ipairs(list) do copies[i] = pure.peer(peer, has[peer.id] == true) end
  return copies
end

---The entries of a list that a script gave, or nil when it is none.
function pure.list(given)
  if type(given) ~= "table" then return nil end
  local list = {}
  for i, each in ipairs(given) do list[i] = each end
  for at in pairs(given) do
    if not list[at] then return nil end
  end
  return list
end

return pure
