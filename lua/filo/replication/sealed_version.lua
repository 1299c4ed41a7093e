---What lies here of a copy, of any namespace, as something to be sent as it is.

local errors = require "filo.base.errors"

---A small one is read whole, of others the file is open: it is the caller's to close. A bad one is set aside.
---@param given {host: filo.Host, disk: table, set_aside: filo.SetAside}
---@param namespace string  32 bytes
---@param path string
---@param copy {key_hash: string, version: integer}
---@return filo.Version?, filo.Error?  "not_found": that version is not here
return function(given, namespace, path, copy)
  local fields, record, body = given.disk:sealed(namespace, path, given.host.limits.inline)
  local object
  if fields and not body and fields.size > 0 then
    object, record = given.disk:object(namespace, path)
    fields, record = object and object:fields(), object and object:record() or record
  end
  if fields and fields.key_hash == copy.key_hash and fields.version == copy.version then
    local info = { key_hash = copy.key_hash, namespace = namespace, version = fields.version, size = fields.size, class = fields.class }
    return { record = record, body = not object and (body or "") or nil, object = object, version = fields.version, path = path,
      key_hash = copy.key_hash, info = info }
  end
  if object then object:close() end
  if not fields and record.code == "corrupt" then given.set_aside(namespace, path, record) end
  if not fields and record.code ~= "not_found" then return nil, record end
  return errors.fail("not_found", "that version is not here any more")
end
