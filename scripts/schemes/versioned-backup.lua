-- A versioned backup: what is stored anew does not take the place of what was there on another day. Seven daily versions stay, under the
-- key with "@Mon" to "@Sun" behind it, and twelve monthly ones, under "@Jan" to "@Dec": the last one of that day or month. Older ones are
-- written over by newer ones of the same name, so that nothing has to be deleted.
--
--   filo sim scripts/schemes/versioned-backup.lua --hours 50 --faults kill,wipe,clock
--
-- In node.lua, with this file beside it:  policy = dofile(... .. "/versioned-backup.lua").policy
-- Storing, by a script beside it that is run as `filo --attach ROOT store.lua KEY FILE`:
--
--   print(assert(dofile("versioned-backup.lua").put(node, ..., filo.file(select(2, ...)))).version)
--
-- `filo get photo.jpg@Mon` gives Monday's, `filo ls 'photo.jpg@*'` lists what there is. Names are of days and months in UTC.

local filo = require "filo"

local function differ(shape, a, b) return os.date(shape, a) ~= os.date(shape, b) end

-- Under which names what was stored then is to stay, now.
local function names_of(stored, now)
  local names = {}
  if differ("!%Y-%m-%d", stored, now) then names[1] = os.date("!%a", stored) end
  if differ("!%Y-%m", stored, now) then names[2] = os.date("!%b", stored) end
  return names
end

-- The version that is here now, under another name, too.
local function keep(node, key, name, stored)
  local object <close>, err = node:get(key)
  if not object then return nil, err end
  return node:store(("%s@%s"):format(key, name), object:chunks(), { fields = { of = key, stored = stored } })
end

local function put(node, key, content)
  local before, now = node:stat(key), os.time()
  for _, name in ipairs(before and names_of(before.modified, now) or {}) do
    local kept, err = keep(node, key, name, before.modified)
    if not kept then return nil, err end -- rather no new version than one version less
  end
  return node:store(key, content)
end

-- With all of its versions.
local function delete(node, key)
  local receipt, err = node:delete(key)
  if not receipt then return nil, err end
  for item in node:list(key .. "@") do
    if item.fields and item.fields.of == key then node:delete(item.key) end
  end
  return receipt
end

return { policy = filo.policy.copies(3), put = put, delete = delete }
