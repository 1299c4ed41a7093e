---Storing: content is sealed and published here, then copied to peers as the policy says.

local errors = require "filo.errors"
local names = require "filo.node.names"
local place = require "filo.replication.place"
local protocol = require "filo.protocol"
local source = require "filo.source"

local storing = {}

---What copies are made from: the very file just published, which a newer version may replace meanwhile. A small one whole.
local function open_version(node, version, size)
  local opened, err
  if node.peer_list:count() == 0 then return version end
  if size <= protocol.INLINE_MAX then
    opened, err, version.body = node.disk:sealed(node.namespace, version.path, size)
  else
    opened, err = node.disk:object(node.namespace, version.path)
    version.object = opened
  end
  if opened then return version end
  return nil, errors.wrap(err, ("'%s' is stored here, but no copies can be made of it"):format(version.info.key))
end

local function publish(node, deposit, key, meta, size)
  local name, err = names.of(node, key)
  if not name then return nil, err end
  local _ <close> = names.lock(node, name.hash)
  local number = names.next_version(node, name)
  local record
  record, err = deposit:publish(node.identity, name.hash, number, node.host.encode(meta), name.path)
  if not record then return nil, errors.wrap(err, ("cannot store '%s'"):format(key), { key = key }) end
  return open_version(node, {
    record = record, version = number, path = name.path,
    info = { key = key, key_hash = name.hash, namespace = node.namespace, version = number, size = size },
    receipt = { key = key, version = number, size = size, copies = { node.id }, pending = {}, refused = {} },
  }, size)
end

local function spread(node, version)
  local receipt, err = place.spread(node, version)
  node.hooks:announce("stored", version.info, version.receipt)
  return receipt, err
end

---As Node:store, of what was checked.
---@return filo.Receipt?, filo.Error?
function storing.store(node, key, content, given)
  local ok, err = node.hooks:allow("before_store", { key = key, fields = given.fields })
  if not ok then return nil, err end
  local plain = given.encrypt == false or (given.encrypt == nil and not node.options.encrypt)
  local deposit <close>, modified = source.deposit(node.disk, content, plain, key == nil)
  if not deposit then return nil, errors.wrap(modified, ("cannot store '%s'"):format(key or "content"), { key = key }) end
  local size, digest = deposit:finish()
  if not size then return nil, errors.wrap(digest, ("cannot store '%s'"):format(key or "content"), { key = key }) end
  key = key or node.host.crypto.hex(digest)
  local meta = { name = key, modified = modified or node.host.time() // 1000000, fields = given.fields }
  local version, problem = publish(node, deposit, key, meta, size)
  if not version then return nil, problem end
  return spread(node, version)
end

return storing
