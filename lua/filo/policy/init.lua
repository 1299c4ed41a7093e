---Policies: tables of pure functions that decide where copies go and what is accepted.
---
---  name    a line for people
---  place   function(object, peers): an ordered list of peers, and how many of them should hold a copy (default: all)
---  quorum  how many copies, this node's own among them, must be made before `store` returns; or function(object, placed)
---  accept  function(offer, peer, usage): true, or false and a reason
---
---An object or offer has key_hash, size, version, namespace (raw bytes) and, at its owner, key. A peer has id, about, free, rtt.

local policy = {
  everywhere = require "filo.policy.everywhere",
  copies = require "filo.policy.copies",
}

local DEFAULTS = require "filo.policy.everywhere"

---Checks a script's policy and fills in what it leaves out.
---@param given table
---@return table
function policy.complete(given)
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
  return complete
end

return policy
