---Who was given what of the namespaces of a root: notes without secrets, each a file of mode 0600 of its own,
---`readers/<start of a hash>.<generation>.<time>`. What was given once more has a later one.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local files = require "filo.core.files"

local readers = {}

local FOLDER = "readers"

---A reader, and one thing that he was given.
---@class filo.Given
---@field namespace string  its raw ID
---@field reader string  what he is called
---@field access "read-one"|"read"|"write"
---@field key? string  of the object, for "read-one"
---@field generation integer  of the keys
---@field time integer  seconds since 1970

local FORMAT = "filo reader v1\nnamespace %s\nreader %s\naccess %s\nkey %s\ngeneration %d\ntime %d\n"
local PATTERN = "^filo reader v1\nnamespace (%x+)\nreader (%g+)\naccess (%g+)\nkey (%x*)\ngeneration (%d+)\ntime (%d+)\n$"

local function write(given)
  return FORMAT:format(crypto.hex(given.namespace), given.reader, given.access, crypto.hex(given.key or ""), given.generation, given.time)
end

---@return filo.Given?
local function read(path)
  local file <close> = io.open(path, "rb")
  local namespace, reader, access, key, generation, time = (file and file:read(1 << 16) or ""):match(PATTERN)
  if not namespace then return nil end
  return {
    namespace = crypto.unhex(namespace), reader = reader, access = access, key = key ~= "" and crypto.unhex(key) or nil,
    generation = math.tointeger(tonumber(generation)), time = math.tointeger(tonumber(time)),
  }
end

---The same for what is one and the same thing, given to one and the same.
local function id_of(given)
  local text = ("%s %s %s %s"):format(given.namespace, given.reader, given.access, given.key or "")
  return crypto.hex(crypto.digest("sha256", text)):sub(1, 16)
end

---The names of the notes that there are, in order.
local function list_names(root)
  local entries, err = files.list(root .. "/" .. FOLDER)
  if not entries and err.code == "not_found" then return {} end
  if not entries then return nil, errors.wrap(err, "it cannot be read who was given what") end
  local names = {}
  for _, entry in ipairs(entries) do
    if entry.name:find "^%x+%.%d+%.%d+$" then names[#names + 1] = entry.name end
  end
  return names
end

local function is_before(a, b)
  if a.reader ~= b.reader then return a.reader < b.reader end
  return (a.key or "") < (b.key or "")
end

---What was given, by readers, the latest of each thing.
---@param root string
---@return filo.Given[]?, filo.Error?
function readers.list(root)
  local names, err = list_names(root)
  if not names then return nil, err end
  local latest, list = {}, {}
  for _, name in ipairs(names) do
    local given = read(("%s/%s/%s"):format(root, FOLDER, name))
    if not given then return errors.fail("corrupt", ("%s/%s/%s is no note of who was given what: remove it"):format(root, FOLDER, name)) end
    local id = id_of(given)
    local before = latest[id]
    if not before or given.generation > before.generation or given.generation == before.generation and given.time > before.time then
      latest[id] = given
    end
  end
  for _, given in pairs(latest) do list[#list + 1] = given end
  table.sort(list, is_before)
  return list
end

---Removes the notes of one thing, but for one of them.
local function remove(root, given, except)
  local names, err = list_names(root)
  if not names then return nil, err end
  for _, name in ipairs(names) do
    if name:sub(1, 16) == id_of(given) and name ~= except then
      local ok, problem, code = os.remove(("%s/%s/%s"):format(root, FOLDER, name))
      if not ok then return errors.of_system(code, problem) end
    end
  end
  return true
end

---Notes that something was given, in the place of what was noted of it before.
---@param root string
---@param given filo.Given
---@return true?, filo.Error?
function readers.note(root, given)
  local ok, err = files.trust_folder(root) -- what another user makes there, the root's own could not read
  if ok then ok, err = files.make_folders(root, FOLDER, 448) end -- 0700
  if not ok then return nil, err end
  local name = ("%s.%d.%d"):format(id_of(given), given.generation, given.time)
  ok, err = crypto.write_private(("%s/%s/%s"):format(root, FOLDER, name), write(given))
  if not ok and err.code ~= "exists" then return nil, err end
  return remove(root, given, name)
end

---@param root string
---@param given filo.Given
---@return true?, filo.Error?
function readers.forget(root, given) return remove(root, given) end

return readers
