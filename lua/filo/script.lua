---For scripts that are run from a command line: `local script = require "filo.script"`.

local cluster_secret = require "filo.command.cluster_secret"
local exit = require "filo.base.exit_status"
local format = require "filo.base.format"
local net = require "filo.core.net"
local script_comment = require "filo.command.script_comment"

local script = {}

local function name() return ((arg and arg[0] or "filo"):match "([^/]+)$") end

---Ends the script as one that failed, with a message.
---@param text string  as for string.format
---@param ... any
function script.fail(text, ...)
  io.stderr:write(name(), ": ", text:format(...), "\n")
  os.exit(exit.failure, true)
end

---Ends the script as one that was called wrongly, and says what is wrong and how it is used: the comment that it starts with.
---@param problem? string
function script.usage(problem)
  io.stderr:write(name(), ": ", problem or "wrong use", "\n\n", arg and arg[0] and script_comment(arg[0]) or "")
  os.exit(exit.usage, true)
end

---"1 peer", "2 peers".
---@type fun(number: integer, one: string, several: string): string
script.count = format.count

---The cluster secret, from the file that FILO_SECRET_FILE names: arguments can be seen by everybody on the machine.
---@return string
function script.secret()
  local path = os.getenv "FILO_SECRET_FILE"
  if not path then script.usage "set FILO_SECRET_FILE to the file with the cluster secret" end
  local text, err = cluster_secret.read(path)
  if not text then script.fail("%s", err) end
  return text
end

---Addresses in a text, with commas or spaces between them. Ends the script with its usage when one is none.
---@param text? string
---@return string[]
function script.addresses(text)
  local list = {}
  for address in (text or ""):gmatch "[^,%s]+" do
    local valid, err = net.address(address)
    if not valid then script.usage(tostring(err)) end
    list[#list + 1] = address
  end
  return list
end

-- No script takes an empty argument: an empty folder, say, is none.
for _, argument in ipairs(arg or {}) do
  if argument == "" then script.usage "an argument is empty" end
end

return script
