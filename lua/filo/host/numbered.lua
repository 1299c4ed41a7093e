---A text that a root keeps, as one file of mode 0600 in a folder of its own, `roster/<number>`. The largest number counts: what is written
---anew has the next one, so that there is a whole one at any time.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local files = require "filo.core.files"

local MOST = 64 << 20 -- bytes

---@class filo.Numbered
---@field load fun(root: string): string|false|nil, filo.Error?  what was saved last; false: nothing. There is a folder to save into then
---@field save fun(root: string, text: string): true?, filo.Error?  in the place of what was saved before

---@param folder string  in the root
---@param what string  for people
---@return filo.Numbered
return function(folder, what)
  local function path_of(root, number) return ("%s/%s/%d"):format(root, folder, number) end

  ---The numbers of those that there are, the largest first.
  local function numbers_in(root)
    local entries, err = files.list(root .. "/" .. folder)
    if not entries then return nil, errors.wrap(err, what .. " cannot be read") end
    local numbers = {}
    for _, entry in ipairs(entries) do
      numbers[#numbers + 1] = entry.name:find "^%d+$" and math.tointeger(tonumber(entry.name)) or nil
    end
    table.sort(numbers, function(a, b) return a > b end)
    return numbers
  end

  local function load(root)
    local ok, err = files.trust_folder(root) -- what another user makes there, the root's own could not read
    if ok then ok, err = files.make_folders(root, folder, 448) end -- 0700
    local numbers
    if ok then numbers, err = numbers_in(root) end
    if not numbers then return nil, err end
    if not numbers[1] then return false end
    local path = path_of(root, numbers[1])
    local file <close>, why, code = io.open(path, "rb")
    if not file then return errors.of_system(code, why) end
    local text, problem, errno = file:read(MOST)
    if not text and problem then return errors.of_system(errno, path .. ": " .. problem) end
    return text or ""
  end

  local function save(root, text)
    local numbers, err = numbers_in(root)
    if not numbers then return nil, err end
    local ok
    ok, err = crypto.write_private(path_of(root, (numbers[1] or 0) + 1), text)
    if not ok then return nil, err end
    for _, each in ipairs(numbers) do os.remove(path_of(root, each)) end
    return true
  end

  return { load = load, save = save }
end
