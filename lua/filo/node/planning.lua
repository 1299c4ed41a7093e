---What should be where: one answer for all who ask. Policies that are no good at run time are told of by name.

local errors = require "filo.base.errors"
local placement = require "filo.placement.plan"
local sorted_keys = require "filo.base.sorted_keys"

---Seconds for which nothing else should have to wait for a policy.
local SLOW = 0.1

---The members without some.
local function without(members, refused)
  local list = {}
  for _, member in ipairs(members) do
    if not refused[member.id] then list[#list + 1] = member end
  end
  return list
end

---What a policy does that costs nothing by itself, and should not be.
local function tell_faults(node, policy, plan, seconds)
  local function tell(kind, text, ...)
    node.peer_list.report("warning", "", kind, ("policy '%s' " .. text):format(policy.name, ...))
  end
  if plan and plan.moody then
    tell("moody policy", "gave two answers to one question: let it follow from what it is given only, without chance, time or memory")
  end
  if seconds > SLOW then tell("slow policy", "took %.1f s to place one object: all else waits meanwhile", seconds) end
end

---@class filo.Planning
---@field node filo.node.Parts
---@field seen? filo.View  as it was at seen_at
---@field seen_at? number
local Planning = {}
Planning.__index = Planning

---@param policy table  completed
---@param members filo.placement.Member[]
---@param here filo.placement.Member
---@param info table  the object: key, key_hash, namespace, version, size, class, fields
---@param holders filo.Holder[]  the copies that are known of
---@param refused? table<string, true>  IDs of peers that would not take one
---@param fresh? boolean  it was just made, and nobody else has it
---@return filo.Plan?, filo.Error?
local function plan(node, policy, members, here, info, holders, refused, fresh)
  local began = node.host.now()
  local made, problem = placement.make {
    policy = policy, object = info, members = without(members, refused or {}), here = here, unreached = node.peer_list:unreached(),
    holders = holders, fresh = fresh,
  }
  tell_faults(node, policy, made, node.host.now() - began)
  if made then return made end
  node.peer_list.report("error", "", "place", problem)
  return errors.fail("invalid", problem .. " (the object is stored here)")
end

---The policy that counts for a namespace.
local function policy_of(node, namespace) return node.wishes:of(namespace) or node.policy end

---As of now.
function Planning:__call(info, ...)
  local node = self.node
  return plan(node, policy_of(node, info.namespace), node.candidates:list(), node.candidates:here(), info, ...)
end

-- Many objects ---------------------------------------------------------------------------------------------------------------

---Members as they were at one time, for the plans of many objects, which any of the nodes may be at home at.
---@class filo.View
---@field all table<string, filo.placement.Member>  by ID, this node, too
---@field given? table  a policy that is to be taken for the one that counts
---@field from table<string, filo.placement.Member[]>  by ID of a node: all others, in the order of their IDs
local View = {}
View.__index = View

---@param node filo.node.Parts
---@param given? table
---@return filo.View
local function new_view(node, given)
  local here = node.candidates:here()
  local all = { [here.id] = here }
  for _, member in ipairs(node.candidates:list()) do all[member.id] = member end
  return setmetatable({ node = node, given = given, all = all, from = {} }, View)
end

---@return filo.placement.Member[]
local function others(self, home)
  local list = self.from[home]
  if list then return list end
  list = {}
  for _, id in ipairs(sorted_keys(self.all)) do
    if id ~= home then list[#list + 1] = self.all[id] end
  end
  self.from[home] = list
  return list
end

---@param home string  ID of a member whose copy is one of them
---@return filo.Plan?, filo.Error?
function View:plan(home, info, holders, refused)
  return plan(self.node, self:policy(info.namespace), others(self, home), self.all[home], info, holders, refused)
end

---The policy that counts, or is taken to.
---@param namespace string
---@return table
function View:policy(namespace) return self.given or policy_of(self.node, namespace) end

---IDs of all, in order.
---@return string[]
function View:ids() return sorted_keys(self.all) end

---@param id string
---@return filo.placement.Member?
function View:member(id) return self.all[id] end

---Seconds for which a member that is away keeps its place.
---@param namespace string
---@return number
function View:grace(namespace) return self:policy(namespace).grace end

---@param policy? table  completed: what would be, were it the one that counts
---@return filo.View
function Planning:view(policy) return new_view(self.node, policy) end

---Seconds for which a view will do to guess who has something.
local FRESH = 1

---Who should have an object of which no more than this is known.
---@param namespace string
---@param key_hash string
---@return table<string, true>  by ID
function Planning:likely(namespace, key_hash)
  local node, ids = self.node, {}
  if not self.seen or node.host.now() - self.seen_at > FRESH then self.seen, self.seen_at = self:view(), node.host.now() end
  local info = { key_hash = key_hash, namespace = namespace, version = 0, size = 0, class = 0 }
  local made = node.wishes:of(namespace) and self.seen:plan(node.id, info, {}, {})
  for i = 1, made and math.min(made.wanted, #made.order) or 0 do ids[made.order[i]] = true end
  for _, peer in ipairs(node.peer_list:list()) do ids[peer.id] = ids[peer.id] or peer.namespaces[namespace] ~= nil or nil end
  return ids
end

---@param node filo.node.Parts
---@return filo.Planning
return function(node) return setmetatable({ node = node }, Planning) end
