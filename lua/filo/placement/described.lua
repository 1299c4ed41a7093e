---Policies that can be said in plain data, so that one node can tell another which it has: `policy.spec` is a list of what makes it, such
---as { "copies", 3 } or { "tagged", "ssd", { "copies", 2 } }.

local copy = require "filo.base.copy"
local keeping = require "filo.placement.keeping"

local described = {}

---What was made here, by its function `place`: a script may change the table that it got, which then is a policy of its own.
local made = setmetatable({}, { __mode = "k" })

---Gives a policy its spec, unless it is made of one that has none.
---@param policy filo.Policy
---@param kind string
---@param ... any  what it is made of: plain data and policies
---@return filo.Policy
function described.describe(policy, kind, ...)
  local spec = { kind }
  for i, each in ipairs { ... } do
    local is_policy = type(each) == "table" and each.name ~= nil
    spec[i + 1] = is_policy and described.spec_of(each) or not is_policy and copy(each) or nil
    if spec[i + 1] == nil then return policy end
  end
  policy.spec = spec
  made[policy.place] = {
    spec = copy(spec), quorum = policy.quorum, grace = policy.grace, keeps = keeping.text(policy.keep_versions),
  }
  return policy
end

---The spec of a policy, as long as it says what the policy does; nil: it has none.
---@param policy filo.Policy
---@return table?
function described.spec_of(policy)
  local known = made[policy.place]
  if not known or known.quorum ~= policy.quorum or known.grace ~= policy.grace then return nil end
  if keeping.problem(policy.keep_versions) or known.keeps ~= keeping.text(policy.keep_versions) then return nil end
  return copy(known.spec)
end

return described
