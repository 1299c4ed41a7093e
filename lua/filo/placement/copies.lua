---A number of copies in all, this node's own among them, each member with as many as its capacity is worth.

local described = require "filo.placement.described"
local format = require "filo.base.format"
local rendezvous = require "filo.placement.rendezvous"

local MOST = 1000000

---@param n integer  1 or more
---@return filo.Policy
return function(n)
  if math.type(n) ~= "integer" or n < 1 or n > MOST then error("policy.copies: an integer from 1 to 1000000 expected", 2) end
  return described.describe({
    name = format.count(n, "copy", "copies"),
    place = function(object, members) return rendezvous.rank(object, members), n - 1 end,
  }, "copies", n)
end
