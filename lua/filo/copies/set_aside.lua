---Setting a bad copy aside, and saying so.

---With `object`, only the very file that it has open: a newer version may have come.
---@alias filo.SetAside fun(namespace: string, path: string, err: filo.Error, object?: filo.core.Object)

---@param given {host: filo.Host, disk: table, hooks: filo.Hooks, quotas: filo.Quotas, catalogue: filo.Catalogue, wanted: fun(copy: table?)}
---  wanted: another one is; nil: of something of which it is not known here what it was
---@return filo.SetAside
return function(given)
  ---What should lie there: {key_hash, version, name}. The file itself may not tell it any more.
  local function look_up(namespace, path, object)
    local row = given.catalogue:at(namespace, path)
    local fields = object and object:fields() or row
    return fields and { key_hash = fields.key_hash, version = fields.version, name = row and row.name }
  end

  local function move(namespace, path, object, known)
    if object then return object:set_aside(path) end
    return given.disk:set_aside(namespace, path, known and known.key_hash, known and known.version)
  end

  return function(namespace, path, err, object)
    local file <close> = object and object:share() -- another who reads it may have found that, too, and close it meanwhile
    local known = look_up(namespace, path, file)
    local moved = move(namespace, path, file, known)
    if moved then given.quotas:lost(namespace, path) end
    given.host.log("error", ("a copy here is bad%s: %s"):format(moved and " and was set aside" or "", tostring(err)))
    given.hooks:announce("corrupt", { namespace = namespace, path = path }, nil, err)
    if not moved then return end
    given.wanted(known and {
      namespace = namespace, path = path, key_hash = known.key_hash, version = known.version, key = known.name, problem = tostring(err),
    })
  end
end
