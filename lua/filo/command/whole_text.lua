---All that a short file says, or standard input: for secrets, which others would see on the command line.

local errors = require "filo.base.errors"
local format = require "filo.base.format"

local MOST = 1 << 20

---@param name string  of the file; "-": standard input
---@param what string  "the capability": for messages
---@return string?, filo.Error?  "": there is nothing in it
return function(name, what)
  local file, problem, number = io.stdin, nil, nil
  if name ~= "-" then file, problem, number = io.open(name) end
  local text
  if file then text, problem, number = file:read(MOST) end
  if file and file ~= io.stdin then file:close() end
  if problem then return errors.of_system(number, ("cannot read %s: %s"):format(what, format.printable(name))) end
  return text or ""
end
