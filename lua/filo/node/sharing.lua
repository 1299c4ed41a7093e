---Sharing: capabilities, by which others read or write what a namespace has.

local errors = require "filo.base.errors"

---Of what may be given away: the newest.
---@param key_hash? string
local function generation_of(node, key_hash)
  return node.keys:access() == "write" and node.generation.number or node.keys:newest(key_hash)
end

---To all objects.
local function all(node, access)
  local line, err = node.keys:grant(access, generation_of(node))
  if not line or access ~= "write" or not node.spaces:is_own(node.keys:raw_id()) then return line, err end
  local ok, problem = node.host.keyring.note_writers(node.root)
  if ok then return line end
  return nil, errors.wrap(problem, "it cannot be noted here that others may write, too, and so nobody is given that")
end

---To one.
local function one(node, key)
  if node.options.hash_key then
    local sentence = "what stands for '%s' at peers is known here only, by the option hash_key: without that a single object can be shared"
    return errors.fail("unsupported", sentence:format(key), { key = key })
  end
  local line, err = node.keys:grant("read-one", generation_of(node, (node.names:hash(key))), key)
  if line then return line end
  return nil, errors.wrap(err, ("'%s' cannot be read"):format(key), { key = key })
end

---As Node:share, of what was checked.
---@param node filo.node.Parts
---@param key? string
---@param write? boolean
---@return string?, filo.Error?
return function(node, key, write)
  if key ~= nil then return one(node, key) end
  return all(node, write and "write" or "read")
end
