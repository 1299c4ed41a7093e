---Another policy with a quorum, a grace and a number of kept versions of its own.

local described = require "filo.placement.described"
local format = require "filo.base.format"
local keeping = require "filo.placement.keeping"
local options = require "filo.base.options"
local part = require "filo.placement.part"

local function check_quorum(n) return n < 0 and "must be 0 or more" or nil end

local function check_grace(seconds) return (seconds < 0 or seconds ~= seconds) and "must be seconds, 0 or more" or nil end

local RULES = {
  quorum = { type = "integer", check = check_quorum }, grace = { type = "number", check = check_grace },
  keep_versions = { type = "integer", check = keeping.problem },
}

---@param given {quorum?: integer, grace?: number, keep_versions?: integer}
---@param policy filo.Policy
---@return filo.Policy
return function(given, policy)
  local checked = options.check("policy.with", given, RULES)
  part.check("with", policy)
  local awaited = checked.quorum and (", waiting for %d"):format(checked.quorum) or ""
  local kept = checked.grace and (", places kept for %s"):format(format.clock(math.min(checked.grace, 1e9))) or ""
  local old = checked.keep_versions and (", keeping %s"):format(format.count(checked.keep_versions, "old version", "old versions")) or ""
  return described.describe({
    name = policy.name .. awaited .. kept .. old, quorum = checked.quorum or policy.quorum,
    grace = checked.grace or policy.grace, accept = policy.accept, keep_versions = checked.keep_versions or policy.keep_versions,
    place = function(...) return part.place(policy, ...) end,
  }, "with", checked, policy)
end
