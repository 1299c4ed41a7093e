-- Three copies in all, at nodes that follow from the object's name alone: one that leaves moves its own copies only.
--
--   filo sim scripts/sim/three-copies.lua --nodes 20 --hours 48
--
-- In node.lua, with this file beside it: policy = dofile(... .. "/three-copies.lua")

local filo = require "filo"

local policy = filo.policy.copies(3)

-- Nobody may fill more than a tenth of what is free here with one object.
function policy.accept(offer, _, usage) return offer.size <= usage.free / 10, "too large for what is free here" end

return policy
