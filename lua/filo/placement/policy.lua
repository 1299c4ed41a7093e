---Policies: tables of pure functions that decide where copies go and what is accepted.
---
---An object or offer has key_hash, size, version, class, namespace (raw bytes) and, at its owner, key and fields. A peer has id, about,
---free, rtt and, where a copy is placed, holds: whether it has one, or is being sent one.

---What decides where copies go and what is accepted: a table of functions that do nothing else.
---@class filo.Policy
---@field name? string  a line for people
---@field place? fun(object: table, peers: table[]): table[], integer?  peers in order, and how many should hold a copy (all, if left out)
---@field quorum? integer|function  copies, the one here among them, that `store` waits for; or function(object, placed)
---@field accept? fun(offer: table, peer: table, usage: table): boolean, string?  true, or false and a reason

local copy = require "filo.base.copy"
local pure = require "filo.placement.pure"

local policy = {
  everywhere = require "filo.placement.everywhere",
  copies = require "filo.placement.copies",
}

local DEFAULTS = require "filo.placement.everywhere"

---The policy's functions, guarded. `place` gives the IDs of peers, in a list, or nil.
local function guarded(pinned, given)
  local place, quorum, accept = given.place, given.quorum, given.accept
  local function ids_of(object, peers, has)
    local list, wanted = place(copy(object), pure.peers(peers, has))
    local ids = pure.list(list)
    for i, peer in ipairs(ids or {}) do ids[i] = type(peer) == "table" and peer.id or false end
    return ids, wanted
  end
  local function count(object, placed, has) return quorum(copy(object), pure.peers(placed, has)) end
  local function judge(offer, peer, usage) return accept(copy(offer), pure.peer(peer), usage) end
  return {
    name = given.name, place = pure.wrap(pinned, ids_of), accept = pure.judge(pinned, judge),
    quorum = type(quorum) == "function" and pure.wrap(pinned, count) or quorum,
  }
end

---Checks a script's policy and fills in what it leaves out. Its functions then cannot wait, nor change what they are given.
---@param pinned fun(fn: function, ...): ...  calls a function that cannot wait
---@param given table
---@return table
function policy.complete(pinned, given)
  if getmetatable(given) ~= nil then error("policy: it must be a plain table, without a metatable", 0) end
  local complete = {}
  for name, value in pairs(DEFAULTS) do complete[name] = value end
  for name, value in pairs(given) do
    if DEFAULTS[name] == nil and name ~= "quorum" then
      error(("policy: unknown field '%s'; known are: accept, name, place, quorum"):format(tostring(name)), 0)
    end
    complete[name] = value
  end
  if type(complete.place) ~= "function" then error("policy: 'place' must be a function", 0) end
  if type(complete.accept) ~= "function" then error("policy: 'accept' must be a function", 0) end
  local quorum = complete.quorum
  if quorum ~= nil and type(quorum) ~= "function" and math.type(quorum) ~= "integer" then
    error("policy: 'quorum' must be an integer or a function", 0)
  end
  if type(quorum) == "number" and quorum < 0 then error(("policy: 'quorum' must be 0 or more, not %d"):format(quorum), 0) end
  return guarded(pinned, complete)
end

return policy
