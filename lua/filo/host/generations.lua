---The generations of a root: for each namespace, the one that its node writes with, as the name of an empty file of mode 0600,
---`generations/<namespace, 64 hex digits>.<number>`. The largest counts.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local files = require "filo.core.files"

local generations = {}

local FOLDER = "generations"

---What is noted, by raw namespace IDs.
---@param root string
---@return table<string, integer>?, filo.Error?
function generations.load(root)
  local entries, err = files.list(root .. "/" .. FOLDER)
  if not entries and err.code == "not_found" then return {} end
  if not entries then return nil, errors.wrap(err, "it cannot be read with which keys this node writes") end
  local numbers = {}
  for _, entry in ipairs(entries) do
    local id, number = entry.name:match "^(%x+)%.(%d+)$"
    if id and #id == 64 then
      local raw_id = crypto.unhex(id)
      numbers[raw_id] = math.max(math.tointeger(tonumber(number)), numbers[raw_id] or 0)
    end
  end
  return numbers
end

local function path_of(root, raw_id, number) return ("%s/%s/%s.%d"):format(root, FOLDER, crypto.hex(raw_id), number) end

---Notes one, for good; the one before is not needed any more then.
---@param root string
---@param raw_id string
---@param number integer
---@param before? integer
---@return true?, filo.Error?
function generations.save(root, raw_id, number, before)
  local ok, err = files.make_folders(root, FOLDER, 448) -- 0700
  if not ok then return nil, err end
  ok, err = crypto.write_private(path_of(root, raw_id, number), "")
  if not ok and err.code ~= "exists" then return nil, err end
  if before and before < number then os.remove(path_of(root, raw_id, before)) end
  return true
end

return generations
