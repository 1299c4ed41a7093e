---Policies from their specs, which other nodes may have sent: these can be anything.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local new_both = require "filo.placement.both"
local new_classify = require "filo.placement.classify"
local new_copies = require "filo.placement.copies"
local new_everywhere = require "filo.placement.everywhere"
local new_otherwise = require "filo.placement.otherwise"
local new_tagged = require "filo.placement.tagged"
local new_with = require "filo.placement.with"
local new_without = require "filo.placement.without"
local new_zones = require "filo.placement.zones"
local options = require "filo.base.options"
local sorted_keys = require "filo.base.sorted_keys"

---How deep tables may lie in one another, how many values there may be in all of them, and how long a text may be.
local DEPTH_MOST, VALUES_MOST, TEXT_MOST = 8, 256, 64

local read

local function fail(text, ...) error(text:format(...), 0) end

---Each kind: how many values follow it (left out: any number), and how it is made of them.
local KINDS = {
  everywhere = { 0, new_everywhere },
  copies = { 1, new_copies },
  zones = { 1, new_zones },
  tagged = { 2, function(tag, policy) return new_tagged(tag, read(policy)) end },
  without = { 2, function(tag, policy) return new_without(tag, read(policy)) end },
  with = { 2, function(given, policy) return new_with(given, read(policy)) end },
  both = { 2, function(a, b) return new_both(read(a), read(b)) end },
  otherwise = { 2, function(a, b) return new_otherwise(read(a), read(b)) end },
  classify = { nil, function(default, ...)
    local given, pairs_of = { default = read(default) }, { ... }
    for i = 1, #pairs_of, 2 do given[pairs_of[i]] = read(pairs_of[i + 1]) end
    return new_classify(given)
  end },
}

---What is too large to be looked at further.
---@return integer  values that are left
local function check_size(value, depth, left)
  if left <= 0 then fail("it has more than %d values", VALUES_MOST) end
  if type(value) == "string" and #value > TEXT_MOST then fail("it has a text of more than %d bytes", TEXT_MOST) end
  if type(value) ~= "table" then return left - 1 end
  if depth > DEPTH_MOST then fail("its parts lie more than %d deep in one another", DEPTH_MOST) end
  left = left - 1
  for name, each in next, value do left = check_size(each, depth + 1, check_size(name, depth + 1, left)) end
  return left
end

function read(spec)
  if type(spec) ~= "table" or getmetatable(spec) ~= nil then fail("a list expected, such as { \"copies\", 3 }") end
  local kind, count = spec[1], 0
  for _ in pairs(spec) do count = count + 1 end
  local known = type(kind) == "string" and KINDS[kind]
  if not known then
    local nearest = type(kind) == "string" and options.nearest(kind, sorted_keys(KINDS))
    local hint = nearest and ("did you mean '%s'?"):format(nearest) or "known are: " .. table.concat(sorted_keys(KINDS), ", ")
    fail("there is no policy '%s'; %s", errors.text(kind), hint)
  end
  if count ~= #spec or known[1] and count - 1 ~= known[1] then fail("'%s' takes %d values in a list", kind, known[1] or count) end
  return known[2](table.unpack(spec, 2))
end

---The policy with this spec.
---@param spec any
---@return filo.Policy?, filo.Error?
return function(spec)
  local ok, policy = pcall(check_size, spec, 1, VALUES_MOST)
  if ok then ok, policy = pcall(read, spec) end
  if ok then return policy end
  local problem = errors.text(policy):gsub("^[^:]-%.lua:%d+: ", "")
  return errors.fail("invalid", "this is not the spec of a policy: " .. format.printable(problem))
end
