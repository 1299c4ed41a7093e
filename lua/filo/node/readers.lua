---Readers: who was given what, under names that their user chooses; and that one of them is to read no longer.

local errors = require "filo.base.errors"

---@class filo.Reader  what somebody was given
---@field reader string  what he is called
---@field access "read-one"|"read"|"write"
---@field key? string  of the object, for "read-one"
---@field generation integer  of the keys that he was given
---@field time integer  when, in seconds since 1970
---@field capability? string  a new one for him

---@class filo.Forgotten
---@field rotation filo.Rotation
---@field readers filo.Reader[]  those that remain, each with a new capability

local readers = {}

---@return string?, filo.Error?
function readers.check_name(name)
  if name:find "^[%w_][%w._-]*$" and #name <= 64 then return name end
  return errors.fail("invalid", ("'%s' is no name for a reader: it takes up to 64 letters, digits, '.', '_', '-'"):format(name))
end

---@param node filo.node.Parts
---@param name string
---@param access string
---@param key? string
---@param generation integer
---@return true?, filo.Error?
function readers.note(node, name, access, key, generation)
  local ok, err = node.host.readers.note(node.root, {
    namespace = node.keys:raw_id(), reader = name, access = access, key = key, generation = generation,
    time = node.host.time() // 1000000,
  })
  if ok then return true end
  return nil, errors.wrap(err, ("it cannot be noted that '%s' was given this, and so nobody is given it"):format(name))
end

---Those of the namespace.
---@param node filo.node.Parts
---@return filo.Given[]?, filo.Error?
local function list(node)
  local all, err = node.host.readers.list(node.root)
  if not all then return nil, err end
  local own = {}
  for _, each in ipairs(all) do
    if each.namespace == node.keys:raw_id() then own[#own + 1] = each end
  end
  return own
end

---@return filo.Reader
local function describe(given)
  return { reader = given.reader, access = given.access, key = given.key, generation = given.generation, time = given.time }
end

---As Node:readers.
---@param node filo.node.Parts
---@return filo.Reader[]?, filo.Error?
function readers.list(node)
  local all, err = list(node)
  if not all then return nil, err end
  for i, each in ipairs(all) do all[i] = describe(each) end
  return all
end

---What somebody was given, and what all others were; nil and an error where rotating does not shut him out.
local function part(node, name)
  local all, err = list(node)
  if not all then return nil, err end
  local his, others = {}, {}
  for _, each in ipairs(all) do table.insert(each.reader == name and his or others, each) end
  if not his[1] then
    return errors.fail("not_found", ("nothing is noted of a reader '%s': filo readers lists those that are"):format(name))
  end
  for _, each in ipairs(his) do
    if each.access == "write" then
      local sentence = "'%s' was given the keys to write, from which he makes all later ones: he can be shut out of a new namespace only"
      return errors.fail("denied", sentence:format(name))
    end
  end
  return his, others
end

---New capabilities for those who remain. Who writes needs none.
local function give_anew(node, others)
  local remaining = {}
  for _, each in ipairs(others) do
    local entry = describe(each)
    if each.access ~= "write" then
      local line, err = node.keys:grant(each.access, node.generation.number, each.key)
      local ok = line ~= nil
      if ok then ok, err = readers.note(node, each.reader, each.access, each.key, node.generation.number) end
      if not ok then return nil, err end
      entry.capability, entry.generation = line, node.generation.number
    end
    remaining[#remaining + 1] = entry
  end
  return remaining
end

---As Node:forget_reader. He stays on the list until the keys are changed and the others have new ones.
---@param node filo.node.Parts
---@param name string
---@param wait boolean
---@return filo.Forgotten?, filo.Error?
function readers.forget(node, name, wait)
  local his, others = part(node, name)
  if not his then return nil, others end
  local rotation, err = node.rotating:rotate(false)
  if not rotation then return nil, err end
  local remaining
  remaining, err = give_anew(node, others)
  if not remaining then return nil, err end
  for _, each in ipairs(his) do
    local ok, problem = node.host.readers.forget(node.root, each)
    if not ok then return nil, errors.wrap(problem, ("the keys are changed, but '%s' stays on the list"):format(name)) end
  end
  if wait then rotation = node.rotating:wait() end
  return { rotation = rotation, readers = remaining }
end

return readers
