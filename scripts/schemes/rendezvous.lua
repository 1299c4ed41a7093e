-- Weighted rendezvous hashing, written out: each member draws a number from the object's name and its own ID, larger the more
-- room it offers, and the largest hold the copies. Who leaves moves its own copies only; who comes takes its share, and moves no others.
--
--   filo sim scripts/schemes/rendezvous.lua --faults kill,wipe,absence
--
-- In node.lua, with this file beside it:  policy = dofile(... .. "/rendezvous.lua").policy
-- filo.policy.copies(3) does the same, and can be told to other nodes. This is for what is to be drawn in another way.

local filo = require "filo"

local COPIES = 3 -- in all, the one of who stores it among them
local USUAL = 1e12 -- bytes that a member counts as which does not say what it is good for

-- From 0 to 1, evenly: the same at every node that asks.
local function draw(object, member)
  local bits = string.unpack("<I8", filo.crypto.digest("sha256", object.key_hash .. member.id))
  return ((bits >> 11) + 0.5) * 0x1p-53
end

local function place(object, members)
  local score = {}
  for _, member in ipairs(members) do
    score[member.id] = -(member.capacity or USUAL) / math.log(draw(object, member))
  end
  table.sort(members, function(a, b) return score[a.id] > score[b.id] end)
  return members, COPIES - 1
end

return { policy = { name = "weighted rendezvous, three copies", place = place } }
