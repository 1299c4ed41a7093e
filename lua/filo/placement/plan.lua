---What should be where: one answer for everybody who asks. A pure function of a policy, an object, the members that could hold a copy,
---connected or not, and the copies that are known of.
---
---A policy gives members in an order and says how many of them should hold a copy, and how many copies there must be in all, the one here
---among them. What it gives is checked here. What is the same for all policies is done here, too: who is draining is given nothing, and who
---is away keeps its place for a while, in which its copy is taken to be there still. Of a version that was just made it has none: then the
---next in rank takes its place at once, rather than that there is a copy less for so long.

local choose = require "filo.placement.choose"
local format = require "filo.base.format"
local sorted_keys = require "filo.base.sorted_keys"
local titles = require "filo.placement.member"

---@class filo.Holder  a copy that is known of
---@field node string  ID of the node
---@field version? integer  nil: it has none
---@field deleted? boolean  it is a tombstone

---@class filo.Plan
---@field order string[]  IDs of members, in the order in which they are asked to hold a copy
---@field home string  ID of the node whose copy is one of them, whatever the policy says of the others
---@field held string[]  IDs of members that have one, as many as there should be
---@field wanted integer  how many members should hold one
---@field full boolean  as many as that have one, whatever the quorum is, none of which is to be emptied
---@field quorum integer  copies that there must be, the one here among them
---@field copies string[]  IDs of the nodes that hold this version, or a newer one
---@field make string[]  IDs of members that should get a copy now, in order
---@field away {node: string, name: string?, since: number}[]  members that should hold one and are away, and for how many seconds
---@field unreached string[]  addresses of others that should hold one and cannot be reached: where the policy names no number, all should
---@field lacking? string  what of the policy cannot be met by the members that can hold a copy, for people
---@field moody boolean  the policy gave two answers to one question
---@field enough boolean  there are as many copies as there must be, nobody who should hold one is out of reach, and nothing is lacking
---@field may_drop boolean  another node says that it has a copy, so that the one here is not the last that is known of
---@field members table<string, filo.placement.Member>  by ID
---@field grace number  seconds for which who is away keeps its place
---@field why? string  what Node:placement adds: all that in a sentence

local plan = {}

-- The policy ----------------------------------------------------------------------------------------------------------------

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

---Those with these IDs.
local function members_of(ids, by_id)
  local list = {}
  for i, id in ipairs(ids) do list[i] = by_id[id] end
  return list
end

---What the policy says: {order, wanted, all = it names no number, lacking, moody}; or nil and what is wrong with it.
local function ask(given, members, has)
  local ok, answer = pcall(given.policy.place, given.object, members, has, given.here)
  if not ok then return nil, "place failed: " .. answer end
  local wanted, lacking = answer.wanted, answer.lacking
  local order = answer.ids and checked(answer.ids, members)
  if not order then return nil, "place must return a list of members" end
  local is_count = wanted == nil or math.type(wanted) == "integer" and wanted >= 0 and wanted < math.maxinteger
  if not is_count then return nil, "place must return a number of members" end
  if lacking ~= nil and type(lacking) ~= "string" then return nil, "place must return a text of what cannot be met" end
  return { order = order, wanted = wanted or #order, all = wanted == nil, lacking = lacking, moody = answer.moody or false }
end

---Copies that there must be; or nil and what is wrong with what the policy says.
local function quorum_of(given, answer, by_id, has)
  local quorum = given.policy.quorum
  if type(quorum) == "function" then
    local ok
    ok, quorum = pcall(quorum, given.object, members_of(answer.order, by_id), has)
    if not ok then return nil, "quorum failed: " .. quorum end
  end
  if quorum ~= nil and math.type(quorum) ~= "integer" then return nil, "quorum must be an integer" end
  return quorum or answer.wanted + 1
end

-- Copies and members --------------------------------------------------------------------------------------------------------

---Whether a holder has the version, or a newer one.
local function holds(object, holder)
  return holder.version ~= nil and holder.version >= object.version and not holder.deleted
end

---Whether a member has been away for so long that it is no longer counted on.
local function is_gone(member, grace) return member.state == "away" and member.since >= grace end

---IDs of those who hold it, but for those who are gone.
local function holders_of(given, by_id)
  local list, has = {}, {}
  for _, holder in ipairs(given.holders) do
    local member = by_id[holder.node]
    if holds(given.object, holder) and not (member and is_gone(member, given.policy.grace)) then
      list[#list + 1], has[holder.node] = holder.node, true
    end
  end
  return list, has
end

---The members that may be given places, and those of them that can be counted on now.
local function sort_out(given, has)
  local candidates, usable = {}, {}
  for _, member in ipairs(given.members) do
    if member.state ~= "draining" then
      candidates[#candidates + 1] = member
      local kept = member.state == "up" or not is_gone(member, given.policy.grace) and (has[member.id] or not given.fresh)
      if kept then usable[#usable + 1] = member end
    end
  end
  return candidates, usable
end

---Of members, those that are away and have no copy that is known of.
local function away_among(members, has)
  local list = {}
  for _, member in ipairs(members) do
    if member.state == "away" and not has[member.id] then
      list[#list + 1] = { node = member.id, name = member.name, since = member.since }
    end
  end
  return list
end

---Addresses without those of members that are named already.
local function addresses_of_others(addresses, members)
  local known, list = {}, {}
  for _, member in ipairs(members) do
    for _, address in ipairs(member.addresses) do known[address] = true end
  end
  for _, address in ipairs(addresses) do
    if not known[address] then list[#list + 1] = address end
  end
  return list
end

local function index(members)
  local by_id = {}
  for _, member in ipairs(members) do by_id[member.id] = member end
  return by_id
end

-- Texts -----------------------------------------------------------------------------------------------------------------------

---Seconds after which one that is away may be gone for good.
local LONG = 24 * 3600

---Who is away, for people: "home (node 0123456789abcdef) is away for 0:20".
---@param away {node: string, name: string?, since: number}[]
---@return string[]
function plan.absences(away)
  local texts = {}
  for i, each in ipairs(away) do
    texts[i] = ("%s is away for %s"):format(titles.title { id = each.node, name = each.name }, format.clock(each.since))
    if each.since >= LONG then texts[i] = ("%s ('filo forget %s' if it is gone for good)"):format(texts[i], each.node:sub(1, 16)) end
  end
  return texts
end

---A plan in a sentence.
---@param made filo.Plan
---@return string
function plan.explain(made)
  local copies = ("%d of %s known of"):format(#made.copies, format.count(made.quorum, "copy is", "copies are"))
  if made.unreached[1] then copies = ("%s, not reached: %s"):format(copies, format.several(made.unreached, ", ")) end
  if made.away[1] then copies = ("%s, %s"):format(copies, format.several(plan.absences(made.away), ", ")) end
  if made.lacking then copies = ("%s; %s"):format(copies, made.lacking) end
  if #made.make > 0 then return ("%s, and %s to be made"):format(copies, format.count(#made.make, "is", "are")) end
  return (made.enough or made.away[1] or made.lacking) and copies or copies .. ", and there is nobody to hold more"
end

---Why a member that is not connected, or draining, gets no copy.
local function why_out(made, member)
  if member.state == "draining" then return "it is draining: it is given nothing new" end
  local since = "it is " .. titles.condition(member)
  if is_gone(member, made.grace) then return since .. ": the next in rank takes its place" end
  for _, each in ipairs(made.away) do
    if each.node == member.id then return ("%s, and keeps its place for %s"):format(since, format.clock(made.grace - member.since)) end
  end
  return since
end

---Why a member that has no copy gets none, as far as it is not for others to tell; nil: it should get one.
---@param made filo.Plan
---@param id string
---@return string?
function plan.why_none(made, id)
  local member, placed, make = made.members[id], false, false
  if member and member.state ~= "up" then return why_out(made, member) end
  for _, each in ipairs(made.order) do placed = placed or each == id end
  for _, each in ipairs(made.make) do make = make or each == id end
  if not placed then return "the policy places none there" end
  local wanted = format.count(made.wanted, "copy", "copies")
  if not make then return ("the policy asks for %s at peers, and others come first"):format(wanted) end
end

---Tells of copies what they have to do with a plan: what the member is called, where it is and how it is, and why there is none. Members
---that could not be asked are told of, too.
---@param made filo.Plan
---@param copies filo.Copy[]
---@param here filo.placement.Member
function plan.annotate(made, copies, here)
  local told = {}
  local function describe(copy, member)
    copy.name, copy.zone, copy.state, copy.since = member.name, member.zone, member.state, member.since
  end
  for _, copy in ipairs(copies) do
    local member = copy.node == here.id and here or made.members[copy.node]
    told[copy.node] = true
    if member then describe(copy, member) end
    local why = copy.absent and not copy.refused and copy.node ~= here.id and plan.why_none(made, copy.node)
    if why then copy.problem, copy.unwanted = why, true end
  end
  for _, id in ipairs(sorted_keys(made.members)) do
    if not told[id] and made.members[id].state ~= "up" then
      local copy = { node = id, problem = plan.why_none(made, id) }
      describe(copy, made.members[id])
      copies[#copies + 1] = copy
    end
  end
end

-- The plan --------------------------------------------------------------------------------------------------------------------

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

---Members that should hold a copy: all that the policy names, or those that it chose; when these are too few, whoever could be chosen.
local function expected(ideal, missing, candidates, by_id, lack)
  if ideal.all then return members_of(ideal.order, by_id) end
  if lack then return candidates end
  return members_of(missing, by_id)
end

---@param given {policy: table, object: table, members: filo.placement.Member[], here: filo.placement.Member, unreached: string[],
---  holders: filo.Holder[], fresh: boolean?}
---  policy: completed (see policy.lua); object: with version; members: all but this node, which is `here`; unreached: addresses of others;
---  fresh: the version was just made, and nobody who is away has it. The policy is told which members are among the holders
---@return filo.Plan?, string? problem  what is wrong with the policy
function plan.make(given)
  local by_id, quorum = index(given.members), nil
  local copies, has = holders_of(given, by_id)
  local candidates, usable = sort_out(given, has)
  local answer, problem = ask(given, usable, has)
  local ideal = answer
  if answer and answer.all and #usable < #candidates then ideal, problem = ask(given, candidates, has) end
  if ideal then quorum, problem = quorum_of(given, ideal, by_id, has) end
  if not quorum then return nil, ("policy '%s': %s"):format(given.policy.name, problem) end
  local beside = answer.wanted + (given.here.state == "draining" and not answer.all and 1 or 0) -- in the place of the one that goes
  local held, missing = choose(answer.order, beside, function(id) return has[id] ~= nil end)
  local make, others = {}, 0
  for _, id in ipairs(missing) do
    if by_id[id].state == "up" then make[#make + 1] = id end
  end
  for _, id in ipairs(copies) do others = others + (id == given.here.id and 0 or 1) end
  local lack = #held + #missing < beside or answer.lacking ~= nil
  local away = away_among(expected(ideal, missing, candidates, by_id, lack), has)
  local unreached = ideal.all and addresses_of_others(given.unreached, given.members) or {}
  return {
    order = answer.order, wanted = math.min(ideal.wanted, #ideal.order), quorum = quorum, copies = copies, home = given.here.id,
    held = held, make = make, full = #held >= beside and not answer.lacking,
    away = away, unreached = unreached, lacking = answer.lacking, moody = answer.moody, members = by_id, grace = given.policy.grace,
    enough = #copies >= quorum and not (unreached[1] or answer.lacking or ideal.all and away[1]),
    may_drop = others > 0,
  }
end

return plan
