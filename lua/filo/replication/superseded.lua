---What it means that a peer holds a record that is no older than the one it was offered.

local errors = require "filo.base.errors"

---"replaced" and its version: a later version of this node's own took the place of this one, here and there.
---"behind", the version there, and whether that is a deletion: this node had forgotten it (its disk was lost, and its clock is behind; or
---it was restored from a backup).
---nil and an error: the peer lies.
---@param given {host: filo.Host, disk: table, namespace: string}
---@param version {record: string, version: integer, path: string, key_hash: string}
---@param record string  what the peer has
---@return string?, integer|filo.Error, boolean?
return function(given, version, record)
  local there, err = given.host.store.parse(record)
  if not there then return nil, errors.wrap(err, "it gave a bad record") end
  local same = record == version.record
  if there.namespace ~= given.namespace or there.key_hash ~= version.key_hash or there.version < version.version or same then
    return nil, errors.new("protocol", "it refused the record for one that is not newer, or of something else")
  end
  local here = given.disk:stat(given.namespace, version.path)
  if here and here.version > version.version and here.version >= there.version then return "replaced", here.version end
  return "behind", there.version, there.tombstone
end
