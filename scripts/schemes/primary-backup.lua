-- Primary and backup: who stores an object is its primary, and the next member in the order of IDs, as on a ring, is its backup. `store`
-- returns when both have it. Of a primary that is lost, a new one with the same identity gets everything back from the backup; of
-- a backup that is away for a minute, the one after it takes the place.
--
--   filo sim scripts/schemes/primary-backup.lua --faults kill,wipe,rot
--
-- In node.lua, with this file beside it:
--
--   local scheme = dofile(... .. "/primary-backup.lua")
--   return { listen = ":7171", policy = scheme.policy, start = scheme.start }

-- The members behind this one on the ring, nearest first.
local function ring(members, here)
  table.sort(members, function(a, b)
    local a_behind, b_behind = a.id > here.id, b.id > here.id
    if a_behind ~= b_behind then return a_behind end
    return a.id < b.id
  end)
  return members
end

local policy = {
  name = "a primary and its backup",
  place = function(_, members, here)
    local lacking = #members == 0 and "there is no other member to be the backup" or nil
    return ring(members, here), 1, lacking
  end,
  quorum = 2,
  grace = 60,
}

-- Tells who is the backup now.
local function start(node)
  local told
  local function tell()
    local up = {}
    for _, member in ipairs(node:members()) do
      if member.state == "up" then up[#up + 1] = member end
    end
    local backup = ring(up, node)[1]
    local name = backup and (backup.name or backup.id:sub(1, 16)) or "nobody"
    if name ~= told then print("the backup of this node is " .. name) end
    told = name
  end
  for _, hook in ipairs { "peer_up", "member_away", "member_back" } do node:on(hook, tell) end
end

return { policy = policy, start = start }
