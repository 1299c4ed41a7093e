-- Reads from any, with read repair: `store` returns once a copy is here, the others follow; a read gives what is nearest, and then
-- compares all copies in the background. Who has an older one, or none that it should have, gets the newest.
--
--   filo sim scripts/schemes/read-repair.lua --faults kill,wipe,backup
--
-- In node.lua, with this file beside it:  policy = dofile(... .. "/read-repair.lua").policy
-- Reading, by a script beside it that is run as `filo --attach ROOT read.lua KEY`:
--
--   local object = assert(dofile("read-repair.lua").get(node, (...)))
--   print(object:read "a")

local filo = require "filo"

local policy = filo.policy.with({ quorum = 1 }, filo.policy.copies(3))

-- The newest version that there is of an object, and whether somebody has an older one.
local function compare(copies)
  local newest, differ = 0, false
  for _, copy in ipairs(copies) do
    if copy.version and newest > 0 and copy.version ~= newest then differ = true end
    newest = math.max(newest, copy.version or 0)
  end
  return newest, differ
end

-- Makes all copies the newest one.
local function mend(node, key)
  local copies = node:copies(key)
  local newest, differ = compare(copies)
  if copies[1].version ~= newest then node:fetch(key, { newest = true }) end -- the first is the one here
  local plan = node:placement(key)
  if differ or plan and #plan.make > 0 then return node:replicate(key) end
end

local mending = {} -- key -> true: once at a time

local function get(node, key, options)
  local object, err = node:get(key, options)
  if object and not mending[key] then
    mending[key] = true
    node:spawn(function()
      local _ <close> = setmetatable({}, { __close = function() mending[key] = nil end })
      mend(node, key)
    end)
  end
  return object, err
end

return { policy = policy, get = get }
