---Where commands take a secret from, which others would see on the command line: the first line of a file, or of standard input.

local errors = require "filo.base.errors"
local format = require "filo.base.format"

---@param name string  of the file; "-": standard input
---@param what string  "the token": for messages
---@return string?, filo.Error?  "": there is none
return function(name, what)
  local file, problem, number = io.stdin, nil, nil
  if name ~= "-" then file, problem, number = io.open(name) end
  local line
  if file then line, problem, number = file:read "l" end
  if file and file ~= io.stdin then file:close() end
  if problem then return errors.of_system(number, ("cannot read %s: %s"):format(what, format.printable(name))) end
  return line or ""
end
