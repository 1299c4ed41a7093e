---Sharing: capabilities, by which others read or write what a namespace has.

local errors = require "filo.base.errors"
local readers = require "filo.node.readers"

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
---@param given {write?: boolean, reader?: string}
---@return string?, filo.Error?
return function(node, key, given)
  local access = key ~= nil and "read-one" or given.write and "write" or "read"
  if given.reader then
    local ok, problem = readers.check_name(given.reader)
    if not ok then return nil, problem end
  end
  local line, err
  if key ~= nil then line, err = one(node, key) else line, err = all(node, access) end
  if not line or not given.reader then return line, err end
  local hash = key ~= nil and node.names:hash(key) or nil
  local ok, problem = readers.note(node, given.reader, access, key, generation_of(node, hash))
  return ok and line or nil, problem
end
