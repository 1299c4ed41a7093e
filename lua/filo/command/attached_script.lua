---What a command line names, run within a running node: `filo --attach ROOT -e 'code' script.lua args`.

local errors = require "filo.base.errors"

---@return string? source, string? problem
local function read(path)
  local file, problem = io.stdin, nil
  if path ~= "-" then file, problem = io.open(path) end
  if not file then return nil, "cannot open " .. problem end
  local source, unread = file:read "a"
  if path ~= "-" then file:close() end
  if not source then return nil, ("cannot read %s: %s"):format(path, unread) end
  return source
end

---Ends the process when it fails.
local function run(remote, chunk)
  local state, text = remote:run(chunk)
  if state == "done" then return end
  io.stdout:flush()
  io.stderr:write("filo: ", text, "\n")
  os.exit(1, true)
end

---Runs, one after another, pieces of code and a script there.
---@param remote filo.RemoteEvaluator
---@param codes string[]  of the options -e and -l
---@param arguments string[]  the script at 0, if there is one, and its arguments
---@param script? string
return function(remote, codes, arguments, script)
  for _, code in ipairs(codes) do
    run(remote, { source = code, chunk = "=(command line)", name = arguments[0], arguments = arguments })
  end
  if not script then return end
  local source, problem = read(script)
  if not source then
    io.stderr:write("filo: ", errors.text(problem), "\n")
    os.exit(1, true)
  end
  run(remote, { source = source, chunk = script == "-" and "=stdin" or "@" .. script, name = script, arguments = arguments })
end
