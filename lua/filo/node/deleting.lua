---Deleting everywhere, by a signed tombstone, and evicting the copy here alone.

local errors = require "filo.base.errors"
local getting = require "filo.node.getting"
local names = require "filo.copies.names"
local tombstones = require "filo.replication.tombstones"

local deleting = {}

---Publishes a tombstone that is newer than what is here, and than the version `known` to a peer.
local function bury(node, name, known)
  local _ <close> = node.locks:take(name.hash)
  local version = names.next_version(node, name, known)
  local meta = node.host.encode { name = name.key }
  local record, err = node.disk:tombstone(node.identity, name.hash, version, meta, name.path)
  if not record then return nil, errors.wrap(err, ("cannot delete '%s'"):format(name.key), { key = name.key }) end
  return { record = record, version = version, path = name.path, key_hash = name.hash, key = name.key }
end

---As Node:delete.
---@return filo.Receipt?, filo.Error?
function deleting.delete(node, name)
  local item, err = getting.stat(node, name)
  if not item then return nil, err end
  local receipt, known = nil, item.version
  local ok
  ok, err = node.hooks:allow("before_delete", item)
  if not ok then return nil, err end
  while known do
    local tombstone, problem = bury(node, name, known)
    if not tombstone then return nil, problem end
    receipt, known = tombstones.tell_all(node, tombstone)
  end
  node.hooks:announce("deleted", item, receipt)
  return receipt
end

---As Node:evict.
---@return true?, filo.Error?
function deleting.evict(node, name)
  getting.wait_for_fetches(node, name.hash)
  local fields, err = names.stat(node, name)
  if not fields then return nil, errors.wrap(err, ("cannot evict '%s'"):format(name.key), { key = name.key }) end
  if fields.tombstone then return names.deleted(name.key) end
  return node.disk:remove(node.namespace, name.path, fields.version)
end

return deleting
