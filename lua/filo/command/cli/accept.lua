---`filo accept`: takes a capability that `filo share` has printed.

local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local first_line = require "filo.command.first_line"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local SEEN = "others on this machine see what stands on a command line, and a capability is a secret: give it on standard input, "
  .. "'filo accept - < FILE', or name a file that it is in"

---@return string?, filo.Error?
local function read_line(name)
  if name:find "^%s*filo%-" then return errors.fail("usage", SEEN) end
  return first_line(name, "the capability")
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

return {
  summary = "Take a capability that 'filo share' has printed.",

  describe = function(parser)
    root.option(parser)
    parser:argument("file", "The file with the capability; '-' is standard input. On the command line others would see it.")
    parser:option("--name", "What the namespace is called here, for --of; 'main': get and put mean it from the next start of the node on. "
      .. "Default: the name that it has, or the start of its ID."):argname "NAME"
    parser:flag("--json", "For programs.")
  end,

  run = function(args)
    local line, err = read_line(args.file)
    if not line then return nil, err end
    local accepted
    accepted, err = accept(args, line)
    if not accepted then return nil, err end
    if args.json then
      io.write(json.encode(accepted, { "name" }), "\n")
    else
      local keys = assert(crypto.namespace(line))
      io.write(("namespace %s, of %s: %s. Its objects: --of %s\n"):format(accepted.name, accepted.id:sub(1, 16), MAY[keys:access()],
        accepted.name))
    end
  end,
}
