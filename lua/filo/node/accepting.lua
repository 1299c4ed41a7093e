---Accepting a capability: it goes on the key ring, and the node has the namespace from then on.

local errors = require "filo.base.errors"

---@return filo.Keys?, filo.Error?
local function read(host, line)
  local keys, err = host.keyring.read(line)
  if not keys then return nil, err end
  if keys:access() == "keep" then
    return errors.fail("invalid", "that is for who only holds copies, as every peer may: there is nothing to be accepted")
  end
  return keys
end

---@param node filo.node.Parts
---@param line string
---@param name? string
---@return filo.Namespace?, filo.Error?
return function(node, line, name)
  local host, spaces = node.host, node.spaces
  local keys, err = read(host, line)
  if not keys then return nil, err end
  if name then
    local ok, problem = host.keyring.check_name(name)
    if not ok then return nil, problem end
  end
  local known = spaces:name_of(keys:raw_id())
  if known == "own" then return errors.fail("exists", "that is this node's own namespace: it can do all there already") end
  if known and name and known ~= name then
    return errors.fail("exists", ("that namespace is here already, as '%s'"):format(known))
  end
  name = name or known or keys:id():sub(1, 8)
  if not known and spaces:named(name) then
    return errors.fail("exists", ("another namespace is called '%s' here: choose another name"):format(name))
  end
  local ok
  ok, err = host.keyring.add(node.root, name, line:match "^%s*(.-)%s*$")
  if not ok then return nil, err end
  keys, err = host.keyring.load(node.root, name)
  if not keys then return nil, err end
  node.add_space(name, keys)
  return node.faces[name]
end
