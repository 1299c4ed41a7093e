---Brings what peers have of an object, in its newest version, to lie here in the place of what is older: content, or a deletion.

local errors = require "filo.base.errors"

local bring = {}

---What a namespace is reached by.
---@class filo.BringSpace
---@field find filo.Find
---@field fetches filo.Fetches
---@field conflicts? filo.Conflicts  of one that is written here

---The newest that peers have.
---@param space filo.BringSpace
---@param name table
---@param least integer  an older version is none
---@return table?, filo.Error?
function bring.find(space, name, least)
  local found, err = space.find:newest(name)
  if found and found.fields.version < least then return errors.fail("not_found", "what peers have is an older version") end
  return found, err
end

---A deletion comes whole with its record.
local function bury(disk, space, found, path)
  local partial <close>, err = disk:partial(path, found.record, "")
  if not partial then return nil, err end
  if space.conflicts then return space.conflicts:publish(partial, found.fields, found.record, path) end
  return partial:publish()
end

---Receives and publishes what was found.
---@param disk table
---@param space filo.BringSpace
---@param found table
---@param name table
---@return true?, filo.Error?
function bring.take(disk, space, found, name)
  if found.fields.tombstone then return bury(disk, space, found, name.path) end
  local ok, err = true, nil
  if space.conflicts then ok, err = space.conflicts:before(found.fields, found.record, name.path) end
  if not ok then return nil, err end
  return space.fetches:bring(found, name)
end

return bring
