---Setting a bad copy aside, and saying so.

---With `object`, only the very file that it has open: a newer version may have come.
---@alias filo.SetAside fun(namespace: string, path: string, err: filo.Error, object?: filo.core.Object)

---@param given {host: filo.Host, disk: table, hooks: filo.Hooks}
---@return filo.SetAside
return function(given)
  return function(namespace, path, err, object)
    local moved
    if object then moved = object:set_aside(path) else moved = given.disk:set_aside(namespace, path) end
    given.host.log("error", ("a copy here is bad%s: %s"):format(moved and " and was set aside" or "", tostring(err)))
    given.hooks:announce("corrupt", { namespace = namespace, path = path }, nil, err)
  end
end
