---refused(code, value, err): what a call gave must be nil and an error with that code; gives its sentence.
---
---    assert.matches("no/such", refused("not_found", reader:save(path)))

return function(code, value, err)
  if value ~= nil or not err then error(("it was not refused as %s: %s"):format(code, value), 2) end
  if err.code ~= code then error(("it was refused as %s, not %s: %s"):format(err.code, code, err.message), 2) end
  return err.message
end
