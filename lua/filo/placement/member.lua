---What policies and plans know of a node: plain data, as of when they are asked.

local copy = require "filo.base.copy"
local facts = require "filo.placement.facts"
local format = require "filo.base.format"

---@class filo.placement.Member
---@field id string  node ID, 64 hex digits
---@field address? string  numeric address of the far end of its connection
---@field listen? string  where it says that it can be dialled
---@field addresses string[]  all of these, which policies are not told
---@field about table  what its owner tells of it
---@field name? string  what that says its name is, its zone ...
---@field zone? string
---@field tags table<string, true>  a set: `member.tags.ssd`
---@field capacity? integer  bytes that it is good for, or that its disk has
---@field free? integer  bytes free in its store, as far as it has told
---@field rtt? number  seconds to it and back
---@field state "up"|"away"|"draining"
---@field since number  seconds that it has been in this state
---@field holds? boolean  where copies are placed: it has a copy of this version, or is being sent one
local Member = {}

function Member:__tostring() return ("peer %s at %s"):format(tostring(self.id):sub(1, 16), tostring(self.address)) end

local member = {}

---@param node {id: string, address: string?, listen: string?, addresses: string[]?, about: table, capacity: integer?, free: integer?,
---  rtt: number?}
---  capacity: what counts unless it says another itself
---@param state "up"|"away"|"draining"
---@param since number
---@return filo.placement.Member
function member.new(node, state, since)
  local about = node.about or {}
  local said = facts.of(about)
  return setmetatable({
    id = node.id, address = node.address, listen = node.listen, about = copy(about), free = node.free, rtt = node.rtt,
    name = said.name, zone = said.zone, tags = said.tags, capacity = said.capacity or node.capacity, state = state, since = since,
    addresses = node.addresses or { node.listen },
  }, Member)
end

---What to call it: "home (node 0123456789abcdef)".
---@param each {id: string, name: string?}
---@return string
function member.title(each)
  local id = "node " .. each.id:sub(1, 16)
  return each.name and ("%s (%s)"):format(each.name, id) or id
end

---What state it is in: "away for 0:20".
---@param each filo.placement.Member
---@return string
function member.condition(each) return ("%s for %s"):format(each.state, format.clock(each.since)) end

return member
