---Storing: content is sealed and published here, then copied to peers as the policy says.

local activity = require "filo.node.activity"
local errors = require "filo.base.errors"
local names = require "filo.copies.names"
local place = require "filo.replication.spread"
local source = require "filo.node.content"

local storing = {}

---What copies are made from: the very file just published, which a newer version may replace meanwhile. A small one whole, which came
---with its record if its size was known.
local function open_version(node, version, size)
  local opened, err
  if version.body or node.peer_list:count() == 0 then return version end
  if size <= node.host.limits.inline then
    opened, err, version.body = node.disk:sealed(node.namespace, version.path, size)
  else
    opened, err = node.disk:object(node.namespace, version.path)
    version.object = opened
  end
  if opened then return version end
  return nil, errors.wrap(err, ("'%s' is stored here, but no copies can be made of it"):format(version.info.key))
end

---A version of ours, as place.lua wants it.
local function describe(node, name, record, number, size, body)
  return {
    record = record, body = body, version = number, path = name.path, key_hash = name.hash,
    info = { key = name.key, key_hash = name.hash, namespace = node.namespace, version = number, size = size },
  }
end

---Publishes what is sealed, and gives what copies are made from. known: a version that a peer has, to be exceeded.
local function publish(node, deposit, key, meta, size, known)
  local name, err = names.of(node, key)
  if not name then return nil, err end
  local _ <close> = node.locks:take(name.hash)
  local number = names.next_version(node, name, known)
  local record, body = deposit:publish(node.identity, name.hash, number, node.host.encode(meta), name.path)
  if not record then return nil, errors.wrap(body, ("cannot store '%s'"):format(key), { key = key }) end
  return open_version(node, describe(node, name, record, number, size, body), size)
end

---Seals the content of an object once more, read from the copy here.
local function seal_again(node, object, content_key, fields)
  object:set_key(content_key)
  local deposit, err = node.disk:deposit(fields.size, fields.plain, false)
  if not deposit then return nil, err end
  local reader <close> = assert(object:reader(0, fields.size))
  local function next_piece() return reader:read(1 << 18) end
  local ok
  ok, err = source.write(deposit, next_piece)
  if ok then ok, err = deposit:finish() end
  if ok then return deposit end
  deposit:close()
  return nil, err
end

---The same content as a version that is newer than the one `known` to a peer.
local function renew(node, version, known)
  local object <close>, err = node.disk:object(node.namespace, version.path)
  if not object then return nil, err end
  if object:record() ~= version.record then return nil, errors.new("exists", "another version took its place") end
  local fields = object:fields()
  local content_key, meta = names.unseal(node, version.record)
  if not content_key then return nil, meta end
  local deposit <close>, problem = seal_again(node, object, content_key, fields)
  if not deposit then return nil, problem end
  return publish(node, deposit, meta.name, meta, fields.size, known)
end

local function spread(node, version)
  local receipt = { key = version.info.key, size = version.info.size }
  local placed, err = place.spread(node, version, receipt, renew)
  node.hooks:announce("stored", version.info, receipt)
  if placed then return placed end
  return nil, err
end

---Waits until the content is sealed.
---@return integer?, string|filo.Error|nil
local function finish(node, deposit, key)
  local _ <close> = activity.begin(node, "store", { key = key }, function() return deposit:progress() end)
  return deposit:finish()
end

---As Node:store, of what was checked.
---@return filo.Receipt?, filo.Error?
function storing.store(node, key, content, given)
  local host = node.host
  local shown = given.fields and host.decode(host.encode(given.fields)) -- plain tables, of which hooks get copies
  local ok, err = node.hooks:allow("before_store", { key = key, fields = shown })
  if not ok then return nil, err end
  local plain = given.encrypt == false or (given.encrypt == nil and not node.options.encrypt)
  local deposit <close>, modified = source.deposit(node.disk, content, plain, key == nil)
  if not deposit then return nil, errors.wrap(modified, ("cannot store '%s'"):format(key or "content"), { key = key }) end
  local size, digest = finish(node, deposit, key)
  if not size then return nil, errors.wrap(digest, ("cannot store '%s'"):format(key or "content"), { key = key }) end
  key = key or host.crypto.hex(digest)
  local meta = { name = key, modified = modified or host.time() // 1000000, fields = given.fields }
  local version, problem = publish(node, deposit, key, meta, size)
  if not version then return nil, problem end
  return spread(node, version)
end

---What copies can be made of: the version that is here.
local function open_present(node, name)
  local _ <close> = node.locks:take(name.hash)
  local fields, record = names.stat(node, name)
  if not fields then return nil, errors.wrap(record, ("'%s' cannot be copied"):format(name.key), { key = name.key }) end
  if fields.tombstone then return names.deleted(name.key) end
  return open_version(node, describe(node, name, record, fields.version, fields.size), fields.size)
end

---As Node:replicate.
---@return filo.Receipt?, filo.Error?
function storing.replicate(node, name)
  local version, err = open_present(node, name)
  if not version then return nil, err end
  return place.spread(node, version, { key = name.key, size = version.info.size }, renew)
end

return storing
