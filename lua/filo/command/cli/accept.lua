---`filo accept`: takes a capability that `filo share` has printed.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local whole_text = require "filo.command.whole_text"

local SEEN = "others on this machine see what stands on a command line, and a capability is a secret: give it on standard input, "
  .. "'filo accept - < FILE', or name a file that it is in"

---@return string[]?, filo.Error?
local function read_lines(name)
  if name:find "^%s*filo%-" then return errors.fail("usage", SEEN) end
  local text, err = whole_text(name, "the capability")
  if not text then return nil, err end
  local lines = {}
  for line in text:gmatch "[^\n]+" do
    if line:find "%S" then lines[#lines + 1] = line end
  end
  if not lines[1] then return errors.fail("invalid", format.printable(name) .. " has no capability in it") end
  return lines
end

---By the running node, or in the root where none runs.
local function accept(args, line)
  local client <close>, err = open.client(args)
  if client then return client:call("accept", { line = line, name = args.name }) end
  if err.code ~= "not_running" then return nil, err end
  local node <close>, problem = open.owner(args)
  if not node then return nil, problem end
  local namespace
  namespace, problem = node:accept(line, args.name)
  return namespace and { id = namespace.id, name = namespace.name, access = namespace.access }, problem
end

local MAY = {
  ["read-one"] = "single objects of it can be read", read = "all of it can be read", write = "all of it can be read and written",
}

local function tell(args, accepted, line)
  if args.json then
    io.write(json.encode(accepted, { "name" }), "\n")
    return
  end
  local access = assert(crypto.namespace(line)):access()
  io.write(("namespace %s, of %s: %s. Its objects: --of %s\n"):format(accepted.name, accepted.id:sub(1, 16), MAY[access], accepted.name))
end

return {
  summary = "Take a capability that 'filo share' has printed.",

  describe = function(parser)
    root.option(parser)
    parser:argument("file", "The file with the capability, or several, one a line; '-' is standard input. On the command line others "
      .. "would see it.")
    parser:option("--name", "What the namespace is called here, for --of; 'main': get and put mean it from the next start of the node on. "
      .. "Default: the name that it has, or the start of its ID."):argname "NAME"
    parser:flag("--json", "For programs.")
  end,

  run = function(args)
    local lines, err = read_lines(args.file)
    if not lines then return nil, err end
    for _, line in ipairs(lines) do
      local accepted
      accepted, err = accept(args, line)
      if not accepted then return nil, err end
      tell(args, accepted, line)
    end
  end,
}
