-- Quorums: a write is at W of N members before it returns, a read asks R of them, and R + W > N, so that each read meets the newest
-- write, whoever is away. N are all members; W is more than half of them.
--
--   filo sim scripts/schemes/quorum.lua --nodes 5 --faults partition,kill,absence
--
-- In node.lua, with this file beside it:  policy = dofile(... .. "/quorum.lua").policy
-- Reading, by a script beside it that is run as `filo --attach ROOT read.lua KEY`:
--
--   local object = assert(dofile("quorum.lua").get(node, (...)))
--   print(object:read "a")

-- Of so many members.
local function to_write(n) return n // 2 + 1 end
local function to_read(n) return n - to_write(n) + 1 end

local policy = {
  name = "a write at more than half of all members",
  place = function(_, members) return members end,
  quorum = function(_, placed) return to_write(#placed + 1) end,
}

-- The newest version of an object, once R members have told what they have of it: else nil, and "unreachable".
local function get(node, key)
  local n = #node:members() + 1
  return node:get(key, { quorum = to_read(n) })
end

return { policy = policy, get = get }
