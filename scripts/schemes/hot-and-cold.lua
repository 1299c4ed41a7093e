-- Hot and cold: what is new, or was read lately, has three copies at members with the tag "ssd"; what nobody has read for a day, two at
-- those without. Filo's classes say which: 0 and others are hot, 200 is cold.
--
--   filo sim scripts/schemes/hot-and-cold.lua --faults kill,full,rot
--
-- In node.lua, with this file beside it:
--
--   local scheme = dofile(... .. "/hot-and-cold.lua")
--   return { listen = ":7171", about = { tags = { "ssd" } }, policy = scheme.policy, start = scheme.start }
--
-- Reading, by a script beside it that is run as `filo --attach ROOT read.lua KEY`:
--
--   print(assert(dofile("hot-and-cold.lua").get(node, (...))):read "a")

local filo = require "filo"
local policy = filo.policy

local COLD = 200
local DAY = 86400
local LOOK_EVERY = 3600

local hot = policy.otherwise(policy.tagged("ssd", policy.copies(3)), policy.copies(3))
local cold = policy.otherwise(policy.without("ssd", policy.copies(2)), policy.copies(2))

-- Another class, and so other places. What lies where it is not wanted any more goes by itself.
local function move(node, key, class)
  local receipt, err = node:amend(key, { class = class })
  if not receipt and err.code ~= "not_enough_copies" then print(("%s stays where it is: %s"):format(key, err)) end
end

-- What was stored, or moved, a day ago is cold now.
local function start(node)
  filo.every(LOOK_EVERY, function()
    local now = os.time()
    for item in node:keys() do
      if item.here and item.class ~= COLD and now - item.modified > DAY then move(node, item.key, COLD) end
    end
  end)
end

local function get(node, key, options)
  local object, err = node:get(key, options)
  local is_due = object and (object.class == COLD or os.time() - object.modified > DAY / 2)
  if is_due then node:spawn(move, node, key, 0) end -- a version of now, which is hot for a day
  return object, err
end

return { policy = policy.classify { [COLD] = cold, default = hot }, start = start, get = get }
