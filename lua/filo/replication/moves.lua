---Moves: what would lie where, were each object at the members that the policy would choose by now, whoever has it. A copy that is made
---somewhere stays there as long as the policy allows it: so a member that is new, or has become larger, gets its part of what is
---there already only by being given it (applying.lua).

local sorted_keys = require "filo.base.sorted_keys"

---What would change for one object.
---@class filo.Move
---@field item filo.Tended
---@field to string[]  IDs of members that are to get a copy
---@field from string[]  IDs of members that are not to have theirs any more, once the others have it

---@class filo.MovesOf
---@field node string  ID
---@field name? string
---@field state "up"|"away"|"draining"
---@field objects integer  that it has now, of those that were looked at
---@field bytes integer
---@field objects_after integer
---@field bytes_after integer
---@field free? integer  bytes, as far as it has told
---@field full? boolean  what it is to get does not fit
---@field why? string  it is given nothing

---@class filo.MovePlan
---@field id string  8 hex digits: the same as long as the policy and the members are
---@field policy string  its name
---@field objects integer  that were looked at: those that lie here
---@field bytes integer
---@field moving integer  copies that are to be made
---@field moving_bytes integer
---@field below integer  objects that have fewer copies than they should by now
---@field lacking integer  objects of which the policy cannot be met by the members that there are
---@field seconds? number  that it takes at the rate to which this node keeps; nil: it keeps to none
---@field moves {from: string, to: string, objects: integer, bytes: integer}[]  IDs, the largest first
---@field members filo.MovesOf[]  in the order of their IDs, this node among them

---@class filo.Moves
local Moves = {}
Moves.__index = Moves

local ROUND = 1024

---Which of an order are not in a set.
local function without(order, set)
  local list = {}
  for _, id in ipairs(order) do
    if not set[id] then list[#list + 1] = id end
  end
  return list
end

local function set_of(list)
  local set = {}
  for _, id in ipairs(list) do set[id] = true end
  return set
end

---IDs of other nodes that have this version.
local function holders_of(self, item)
  local list = {}
  for _, holder in ipairs(item.holders) do
    if holder.node ~= self.id and holder.version == item.row.version and not holder.deleted then list[#list + 1] = holder.node end
  end
  table.sort(list)
  return list
end

---What would change for one object. Nothing goes from anywhere while somebody who should have it is out of reach.
---@param item filo.Tended  of which all were asked
---@return filo.Move?, filo.Plan?
local function move_of(self, item)
  local ideal = item.shared.view:plan(self.id, item.info, { { node = self.id, version = item.row.version } }, {})
  if not ideal or item.outdated then return nil, nil end
  local has, wanted = set_of(holders_of(self, item)), set_of(ideal.make)
  for _, id in ipairs(sorted_keys(item.shared.writers)) do has[id], wanted[id] = has[id], has[id] end
  local to = without(ideal.make, has)
  for i = 1, math.min(#ideal.away, ideal.wanted - #ideal.make) do to[#to + 1] = ideal.away[i].node end
  local from = ideal.away[1] and {} or without(sorted_keys(has), wanted)
  return { item = item, to = to, from = from }, ideal
end

---Goes over the objects of a namespace that lie here.
---@param policy? table  completed; nil: the one that counts
---@param fn fun(move: filo.Move, ideal: filo.Plan): boolean?  true: that is enough
function Moves:each(policy, fn)
  local view = self.view(policy)
  local items, silent, ended, shared = {}, {}, false, nil
  local function round()
    self.looking:survey(items)
    self.looking:each(items, function(item)
      local move, ideal = nil, nil
      if not ended then move, ideal = move_of(self, item) end
      if move then ended = fn(move, ideal) or false end
    end)
    items = {}
  end
  for row in self.catalogue:files(self.namespace) do
    shared = shared or self.looking:together(self.namespace, silent, view)
    local is_object = not row.problem and not row.elsewhere and not row.tombstone
    if is_object then items[#items + 1] = self.looking:tend(row, shared) end
    if #items == ROUND then round() end
    if ended then return end
  end
  round()
end

-- The plan ------------------------------------------------------------------------------------------------------------------

---Short, and the same as long as nothing has changed that decides where copies go.
local function id_of(self, policy, view)
  local facts = { policy = policy.spec or policy.name }
  for _, id in ipairs(view:ids()) do
    local member = view:member(id)
    facts[#facts + 1] = { id, member.state == "draining", member.zone or "", sorted_keys(member.tags), member.capacity or 0 }
  end
  return self.host.crypto.hex(self.host.crypto.digest("sha256", self.host.encode(facts))):sub(1, 8)
end

---@param policy? table  completed; nil: the one that counts
---@return string
function Moves:plan_id(policy)
  local view = self.view(policy)
  return id_of(self, view:policy(self.namespace), view)
end

local function new_members(view)
  local list, by_id = {}, {}
  for i, id in ipairs(view:ids()) do
    local member = view:member(id)
    list[i] = {
      node = id, name = member.name, state = member.state, objects = 0, bytes = 0, objects_after = 0, bytes_after = 0, free = member.free,
    }
    by_id[id] = list[i]
  end
  return list, by_id
end

local function add(of, objects, bytes, suffix)
  if not of then return end -- it has gone since
  of["objects" .. suffix], of["bytes" .. suffix] = of["objects" .. suffix] + objects, of["bytes" .. suffix] + bytes
end

---Notes which way each copy goes: from who is to drop one, or else from here.
local function note_ways(self, ways, move)
  for i, to in ipairs(move.to) do
    local from = move.from[i] or self.id
    local way = ways[from .. to] or { from = from, to = to, objects = 0, bytes = 0 }
    ways[from .. to] = way
    way.objects, way.bytes = way.objects + 1, way.bytes + move.item.row.size
  end
end

local function note(self, made, by_id, ways, move, ideal)
  local size, has = move.item.row.size, holders_of(self, move.item)
  made.objects, made.bytes = made.objects + 1, made.bytes + size
  made.moving, made.moving_bytes = made.moving + #move.to, made.moving_bytes + #move.to * size
  if #has < ideal.quorum - 1 then made.below = made.below + 1 end
  if ideal.lacking or #ideal.make + #ideal.away < ideal.quorum - 1 then made.lacking = made.lacking + 1 end
  for _, suffix in ipairs { "", "_after" } do
    add(by_id[self.id], 1, size, suffix)
    for _, id in ipairs(has) do add(by_id[id], 1, size, suffix) end
  end
  for _, id in ipairs(move.to) do add(by_id[id], 1, size, "_after") end
  for _, id in ipairs(move.from) do add(by_id[id], -1, -size, "_after") end
  note_ways(self, ways, move)
end

---Why a member has nothing after all.
local function why_nothing(of)
  if of.objects_after > 0 then return nil end
  if of.state == "away" then return "it is away" end
  if of.state == "draining" then return "it is to be emptied" end
  return "the policy places nothing there"
end

---What would move.
---@param policy? table  completed; nil: the one that counts
---@return filo.MovePlan
function Moves:plan(policy)
  local view = self.view(policy)
  local wanted, ways = view:policy(self.namespace), {}
  local made = {
    id = id_of(self, wanted, view), policy = wanted.name, objects = 0, bytes = 0, moving = 0, moving_bytes = 0, below = 0, lacking = 0,
    moves = {},
  }
  local members, by_id = new_members(view)
  made.members = members
  self:each(policy, function(move, ideal) note(self, made, by_id, ways, move, ideal) end)
  for _, name in ipairs(sorted_keys(ways)) do made.moves[#made.moves + 1] = ways[name] end
  table.sort(made.moves, function(a, b)
    if a.bytes ~= b.bytes then return a.bytes > b.bytes end
    return a.from .. a.to < b.from .. b.to
  end)
  for _, of in ipairs(members) do
    of.why = why_nothing(of)
    of.full = of.free and of.bytes_after - of.bytes > of.free or nil
  end
  local up = self.rates.now.up
  made.seconds = up and made.moving_bytes / up or nil
  return made
end

---@param given {host: filo.Host, id: string, namespace: string, catalogue: filo.Catalogue, looking: filo.Looking, rates: filo.Rates,
---  view: fun(policy: table?): filo.View}
---@return filo.Moves
return function(given) return setmetatable(given, Moves) end
