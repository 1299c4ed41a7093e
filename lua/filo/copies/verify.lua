---Copies that lie here, of any namespace: checking one, and setting a bad one aside.

local chunks = require "filo.copies.chunks"

local copies = {}

---Checks all of a copy; a bad one is set aside.
---@return true?, filo.Error?
function copies.check(node, namespace, path)
  local object <close>, err = node.disk:object(namespace, path)
  local ok = object ~= nil
  local count = ok and chunks.count(node.host, object:fields().size) or 0
  for chunk = 0, count - 1 do
    ok, err = object:verify_chunk(chunk)
    if not ok then break end
  end
  if ok then
    object:mark_verified()
    return true
  end
  if err.code == "corrupt" then copies.set_aside(node, namespace, path, err, object) end
  return nil, err
end

---Sets a bad copy aside and says so. With `object`, only the very file that it has open: a newer version may have come.
function copies.set_aside(node, namespace, path, err, object)
  local moved
  if object then moved = object:set_aside(path) else moved = node.disk:set_aside(namespace, path) end
  node.host.log("error", ("a copy here is bad%s: %s"):format(moved and " and was set aside" or "", tostring(err)))
  node.hooks:announce("corrupt", { namespace = namespace, path = path }, nil, err)
end

return copies
