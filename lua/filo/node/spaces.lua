---The namespaces that a node has keys to: its own, which its identity makes, and what is in its key ring. The node's calls are about the
---one called "main", where the key ring has one; else about its own.

local errors = require "filo.base.errors"
local format = require "filo.base.format"

---@class filo.Space
---@field name string
---@field keys filo.Keys

---@class filo.Spaces
---@field list filo.Space[]  the first is the one that the node's calls are about; the others in the order of their names
local Spaces = {}
Spaces.__index = Spaces

---Keys that cannot be read do not keep the node from the rest.
local function load_ring(host, root, list)
  local names, err = host.keyring.names(root)
  if not names then return nil, errors.wrap(err, "the key ring cannot be read") end
  for _, name in ipairs(names) do
    local keys, problem = host.keyring.load(root, name)
    if keys then
      table.insert(list, name == "main" and 1 or #list + 1, { name = name, keys = keys })
    elseif name == "main" then
      return nil, errors.wrap(problem, "the node's namespace 'main' cannot be used")
    else
      host.log("error", ("the keys to the namespace '%s' cannot be read, and it is left out: %s"):format(name, tostring(problem)))
    end
  end
  return true
end

---@param identity filo.Identity
---@param root string
---@return filo.Spaces?, filo.Error?
local function open(host, identity, root)
  local own, err = identity:namespace()
  if not own then return nil, err end
  local list = { { name = "own", keys = own } }
  local ok
  ok, err = load_ring(host, root, list)
  if not ok then return nil, err end
  return setmetatable({ list = list }, Spaces)
end

---The keys that write, of which peers are told.
---@return filo.Keys[]
function Spaces:writers()
  local writers = {}
  for _, space in ipairs(self.list) do
    if space.keys:access() == "write" then writers[#writers + 1] = space.keys end
  end
  return writers
end

---Whether this node writes a namespace.
---@param raw_id string
---@return boolean
function Spaces:writes(raw_id)
  for _, space in ipairs(self.list) do
    if space.keys:raw_id() == raw_id then return space.keys:access() == "write" end
  end
  return false
end

---Whether a namespace is the node's own.
---@param raw_id string
---@return boolean
function Spaces:is_own(raw_id) return self:named("own").keys:raw_id() == raw_id end

---Puts a namespace in the place of the one with that name, or beside the others.
---@param space filo.Space
function Spaces:put(space)
  for i, each in ipairs(self.list) do
    if each.name == space.name then
      self.list[i] = space
      return
    end
  end
  table.insert(self.list, space)
end

---The name that a namespace has here.
---@param raw_id string
---@return string?
function Spaces:name_of(raw_id)
  for _, space in ipairs(self.list) do
    if space.keys:raw_id() == raw_id then return space.name end
  end
  return nil
end

---@return filo.Space?, filo.Error?
function Spaces:named(name)
  local names = {}
  for i, space in ipairs(self.list) do
    if space.name == name then return space end
    names[i] = space.name
  end
  return errors.fail("not_found", ("there is no namespace '%s' here; there are: %s"):format(name, format.several(names, ", ")))
end

return open
