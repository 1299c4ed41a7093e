---What is wanted of the copies of a namespace: the policy that its writers have said last, or this node's own.
---
---A node whose options name a policy says so to all members, when that is another one than it said the last time, or nobody has said
---anything, or what counts is something else that it has said itself and forgotten, as with an older root. Of several nodes that write a
---namespace the last one to be changed counts for those who only hold copies. One whose options name none does as the others say; while
---nobody has said anything it says what counts by default, so that others look after its copies, too.

local copy = require "filo.base.copy"
local errors = require "filo.base.errors"
local from_spec = require "filo.placement.from_spec"
local placement = require "filo.placement.policy"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.Wishes
---@field made table<string, {number: integer, policy: table?}>  policies of specs, by namespace
local Wishes = {}
Wishes.__index = Wishes

---Of more namespaces their policies are made anew.
local MOST = 512

---The policy of what was said; nil: it was not, or makes no sense here.
local function said(self, id)
  local wish = self.policies:of(id)
  if not wish or not wish.spec then return nil end
  local made = self.made[id]
  if made and made.number == wish.number then return made.policy end
  local given, err = from_spec(copy(wish.spec))
  local ok, policy
  if given then ok, policy = errors.try(placement.complete, self.host.pinned, given) end
  if not ok then
    self.report("warning", "", "policy", ("the copies of %s are not looked after here, since its policy makes no sense: %s"):format(
      id:sub(1, 16), errors.text(err or policy)))
  end
  if not made then self.made_count = self.made_count + 1 end
  if self.made_count > MOST then self.made, self.made_count = {}, 1 end
  self.made[id] = { number = wish.number, policy = ok and policy or nil }
  return self.made[id].policy
end

---What is wanted of a namespace, as far as that is known.
---@param raw_id string
---@return table? policy  completed: see placement/policy.lua
function Wishes:of(raw_id)
  local own = self.policy()
  local writes = self.writes(raw_id)
  if writes and own.chosen then return own end
  return said(self, self.host.crypto.hex(raw_id)) or writes and own or nil
end

---Those of which something may be known.
---@return string[]  raw IDs
function Wishes:namespaces()
  local list, seen = {}, {}
  for i, keys in ipairs(self.writers()) do
    list[i], seen[keys:raw_id()] = keys:raw_id(), true
  end
  for _, id in ipairs(sorted_keys(self.policies.wishes)) do
    local raw_id = self.host.crypto.unhex(id)
    if not seen[raw_id] then list[#list + 1] = raw_id end
  end
  return list
end

---Says what this node's options want, where that has to be said.
function Wishes:tell()
  local own, keys = self.policy(), self.keys
  if keys:access() ~= "write" then return end
  if not own.chosen then return self.policies:publish(keys, own.spec, true) end
  local encode, known = self.host.encode, self.policies:of(keys:id())
  local text = encode(own.spec or "none")
  local forgot = known and known.node == self.raw_id and encode(known.spec or "none") ~= text
  if known and self.policies.told == text and not forgot then return end
  self.policies.told = text
  self.policies:publish(keys, own.spec)
end

---@param given {host: filo.Host, raw_id: string, policies: filo.Policies, keys: filo.Keys, report: function, policy: (fun(): table),
---  writes: (fun(raw_id: string): boolean), writers: fun(): filo.Keys[]}  keys: to the namespace that the options are about; policy: that
---  of the options, completed
---@return filo.Wishes
return function(given)
  given.made, given.made_count = {}, 0
  return setmetatable(given, Wishes)
end
