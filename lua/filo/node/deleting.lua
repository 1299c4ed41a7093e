---Deleting everywhere, by a signed tombstone, and evicting the copy here alone.

local errors = require "filo.errors"
local getting = require "filo.node.getting"
local names = require "filo.node.names"
local place = require "filo.replication.place"

local deleting = {}

---As Node:delete.
---@return filo.Receipt?, filo.Error?
function deleting.delete(node, name)
  local known, err = getting.stat(node, name)
  if not known then return nil, err end
  local ok
  ok, err = node.hooks:allow("before_delete", known)
  if not ok then return nil, err end
  local record, version
  do
    local _ <close> = names.lock(node, name.hash)
    version = names.next_version(node, name)
    record, err = node.disk:tombstone(node.identity, name.hash, version, node.host.encode { name = name.key }, name.path)
    if not record then return nil, errors.wrap(err, ("cannot delete '%s'"):format(name.key), { key = name.key }) end
  end
  local receipt = place.tell_all(node, { record = record, key = name.key, version = version })
  node.hooks:announce("deleted", known, receipt)
  return receipt
end

---As Node:evict.
---@return true?, filo.Error?
function deleting.evict(node, name)
  getting.wait_for_fetches(node, name.hash)
  local fields, err = node.disk:stat(node.namespace, name.path)
  if not fields then return nil, errors.wrap(err, ("cannot evict '%s'"):format(name.key), { key = name.key }) end
  if fields.tombstone then return names.deleted(name.key) end
  return node.disk:remove(node.namespace, name.path, fields.version)
end

return deleting
