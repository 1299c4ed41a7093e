-- A folder that is mirrored: each file below it is an object, at all members. What is new or has changed is stored within a minute, what is
-- gone is deleted; but not when more than a quarter of all is gone at once, since then it may be a disk that is missing.
-- scripts/mirror-folder.lua does that once, from cron, and looks at mounted disks, too.
--   filo sim scripts/schemes/mirror.lua --faults kill,partition,rot
-- In node.lua, with this file beside it, and the folder below changed:
--   local scheme = dofile(... .. "/mirror.lua")
--   return { listen = ":7171", policy = scheme.policy, start = scheme.start }

local filo = require "filo"

local FOLDER = "/srv/mirrored"
local EVERY, FEW = 60, 3 -- seconds; and so many files may go at once in any case

local function path_of(key) return FOLDER .. "/" .. key end
local function mark(file) return ("%d.%09d %d"):format(file.modified, file.nanoseconds, file.size) end

-- Marks of all files below a folder, by their paths in FOLDER. nil, err: some of them cannot be seen.
local function find(below, found)
  local entries, err = filo.folder(path_of(below))
  for _, each in ipairs(entries or {}) do
    if each.problem then return nil, each.problem end
    if each.kind == "f" then found[below .. each.name] = mark(each) end
    if each.kind == "d" then entries, err = find(below .. each.name .. "/", found) end
    if not entries then return nil, err end
  end
  return entries and found, err
end

local busy = {} -- key -> true: one at a time, so that what was read later is stored later
local function alone(fn, node, key)
  while busy[key] do filo.sleep(0.1) end
  busy[key] = true
  local _ <close> = setmetatable({}, { __close = function() busy[key] = nil end })
  return fn(node, key)
end

local function store(node, key)
  local file, err = filo.look(path_of(key))
  if not file then return nil, err end
  return node:store(key, filo.file(path_of(key)), { fields = { changed = mark(file) } })
end
local function delete(node, key)
  if filo.look(path_of(key)) then return nil, filo.error("exists", key .. " is there again") end
  return node:delete(key)
end

local function each(fn, what, node, keys)
  for _, key in ipairs(keys) do
    local ok, err = alone(fn, node, key)
    if not ok and err.code ~= "not_enough_copies" then print(("%s is not %s: %s"):format(key, what, err)) end
  end
end

-- Makes what is stored what the folder is.
local function mirror(node)
  local files, err = find("", {})
  if not files then return print(("%s cannot be read, and nothing is done: %s"):format(FOLDER, err)) end
  local gone, changed, count = {}, {}, 0
  for item in node:list() do
    count = count + 1
    if not files[item.key] then gone[#gone + 1] = item.key end
    if item.fields and item.fields.changed == files[item.key] then files[item.key] = nil end
  end
  for key in pairs(files) do changed[#changed + 1] = key end
  each(store, "stored", node, changed)
  if #gone <= FEW or #gone <= count / 4 then return each(delete, "deleted", node, gone) end
  print(("%d of %d files are gone, and not deleted: is a disk missing?"):format(#gone, count))
end

return { policy = filo.policy.everywhere, start = function(node) filo.every(EVERY, mirror, node) end,
  -- For `filo sim`, what a user does to the folder, who waits until it is stored.
  put = function(node, key, content)
    io.open(path_of(key), "w"):write(content):close()
    return alone(store, node, key)
  end,
  delete = function(node, key)
    os.remove(path_of(key))
    return alone(delete, node, key)
  end,
}
