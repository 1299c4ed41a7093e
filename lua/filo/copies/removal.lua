---Removing a copy that is kept for another identity: its owner or this node's own script no longer wants it here.

local errors = require "filo.base.errors"

---Removes a version, or the older one that lies in its place. A newer one stays ("exists"), and so does a deletion: it keeps old copies
---from counting again. What goes lies in the trash for a while.
---@alias filo.Removal fun(namespace: string, key_hash: string, version: integer): true?, filo.Error?

---@param given {disk: table, names: filo.Names, quotas: filo.Quotas, trash: filo.Trash}
---@return filo.Removal
return function(given)
  return function(namespace, key_hash, version)
    local path, err = given.names:path(key_hash)
    if not path then return nil, err end
    local there
    there, err = given.disk:stat(namespace, path)
    if not there and err.code ~= "not_found" then return nil, err end
    if not there or there.key_hash ~= key_hash then return errors.fail("not_found", "there is no such copy") end
    if there.tombstone then return errors.fail("exists", "it was deleted, and the deletion is kept so that no old copy counts again") end
    if there.version > version then return errors.fail("exists", "there is a newer version") end
    local ok
    ok, err = given.disk:remove(namespace, path, there.version, given.trash:keeps())
    if ok then given.quotas:lost(namespace, path) end
    if ok or err.code ~= "exists" and err.code ~= "not_found" then return ok, err end
    return errors.fail("busy", "what is there has just changed")
  end
end
