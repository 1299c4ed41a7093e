---What should be where: one answer for everybody who asks. A pure function of a policy, an object, the members that could hold a copy
---and the copies that are known of.
---
---A policy gives members in an order and says how many of them should hold a copy, and how many copies there must be in all, the one here
---among them. What it gives is checked here.

local format = require "filo.base.format"

---@class filo.Holder  a copy that is known of
---@field node string  ID of the node
---@field version? integer  nil: it has none
---@field deleted? boolean  it is a tombstone

---@class filo.Plan
---@field order string[]  IDs of members, in the order in which they are asked to hold a copy
---@field held string[]  IDs of members that have one, as many as there should be
---@field wanted integer  how many of them should hold one
---@field quorum integer  copies that there must be, the one here among them
---@field copies string[]  IDs of the nodes that hold this version, or a newer one
---@field make string[]  IDs of members that should get a copy now, in order
---@field unreached string[]  addresses of members that should hold one and cannot be reached: where the policy names no number, all should
---@field enough boolean  there are as many copies as there must be, and nobody is unreached
---@field may_drop boolean  another node says that it has a copy, so that the one here is not the last that is known of
---@field why? string  what Node:placement adds: all that in a sentence

local plan = {}

---IDs of members, each once; nil when one is none of them.
local function checked(ids, members)
  local known, order = {}, {}
  for _, member in ipairs(members) do known[member.id] = true end
  for _, id in ipairs(ids) do
    if known[id] == nil then return nil end
    if known[id] then order[#order + 1] = id end
    known[id] = false -- once is enough
  end
  return order
end

---What the policy says: the order, how many, the quorum, whether all members should hold one; or nil and what is wrong with it.
local function ask(policy, object, members, has)
  local ok, ids, wanted = pcall(policy.place, object, members, has)
  if not ok then return nil, "place failed: " .. ids end
  local order = ids and checked(ids, members)
  if not order then return nil, "place must return a list of peers" end
  if wanted ~= nil and (math.type(wanted) ~= "integer" or wanted < 0) then return nil, "place must return a number of peers" end
  local all = wanted == nil
  wanted = wanted or #order
  local quorum = policy.quorum
  if type(quorum) == "function" then
    local by_id, placed = {}, {}
    for _, member in ipairs(members) do by_id[member.id] = member end
    for i, id in ipairs(order) do placed[i] = by_id[id] end
    ok, quorum = pcall(quorum, object, placed, has)
    if not ok then return nil, "quorum failed: " .. quorum end
  end
  if quorum ~= nil and math.type(quorum) ~= "integer" then return nil, "quorum must be an integer" end
  return order, math.min(wanted, #order), quorum or wanted + 1, all
end

---Whether a holder has the version, or a newer one.
local function holds(object, holder)
  return holder.version ~= nil and holder.version >= object.version and not holder.deleted
end

---IDs of those who do.
local function holders_of(object, holders)
  local list, has = {}, {}
  for _, holder in ipairs(holders) do
    if holds(object, holder) then
      list[#list + 1], has[holder.node] = holder.node, true
    end
  end
  return list, has
end

---Members in order, up to the number that should hold a copy: those that have one, wherever they stand, and then others to make it up.
---@return string[] held, string[] missing
local function share_out(order, wanted, has)
  local held, missing = {}, {}
  for _, id in ipairs(order) do
    if has[id] and #held < wanted then held[#held + 1] = id end
  end
  for _, id in ipairs(order) do
    if #held + #missing >= wanted then break end
    if not has[id] then missing[#missing + 1] = id end
  end
  return held, missing
end

---A plan in a sentence.
---@param made filo.Plan
---@return string
function plan.explain(made)
  local copies = ("%d of %s known of"):format(#made.copies, format.count(made.quorum, "copy is", "copies are"))
  if made.unreached[1] then copies = ("%s, not reached: %s"):format(copies, format.several(made.unreached, ", ")) end
  if #made.make > 0 then return ("%s, and %s to be made"):format(copies, format.count(#made.make, "is", "are")) end
  return made.enough and copies or copies .. ", and there is nobody to hold more"
end

---The copies, at other nodes, of a version or a newer one, which let a node drop its own.
---@generic T: filo.Holder
---@param object {version: integer}
---@param holders T[]
---@param me string  ID of the node
---@return T[]
function plan.others(object, holders, me)
  local list = {}
  for _, holder in ipairs(holders) do
    if holder.node ~= me and holds(object, holder) then list[#list + 1] = holder end
  end
  return list
end

---Why a member that has no copy should have none, as far as the policy goes; nil: it should.
---@param made filo.Plan
---@param id string
---@return string?
function plan.why_none(made, id)
  local placed, make = false, false
  for _, each in ipairs(made.order) do placed = placed or each == id end
  for _, each in ipairs(made.make) do make = make or each == id end
  if not placed then return "the policy places none there" end
  if not make then return ("the policy asks for %s at peers, and others come first"):format(format.count(made.wanted, "copy", "copies")) end
end

---@param given {policy: table, object: table, members: table[], unreached: string[], holders: filo.Holder[], me: string}
---  policy: completed (see policy.lua); object: with version; members: with id, and without this node; unreached: addresses of others; me:
---  this node's ID. The policy is told which members are among the holders
---@return filo.Plan?, string? problem  what is wrong with the policy
function plan.make(given)
  local copies, has = holders_of(given.object, given.holders)
  local order, wanted, quorum, all = ask(given.policy, given.object, given.members, has)
  if not order then return nil, ("policy '%s': %s"):format(given.policy.name, wanted) end
  local unreached = all and given.unreached or {}
  local held, missing = share_out(order, wanted, has)
  return {
    order = order, wanted = wanted, quorum = quorum, copies = copies, held = held, make = missing, unreached = unreached,
    enough = #copies >= quorum and #unreached == 0,
    may_drop = #plan.others(given.object, given.holders, given.me) > 0,
  }
end

return plan
