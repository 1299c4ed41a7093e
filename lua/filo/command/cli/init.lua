---`filo init`: makes a node that begins a new cluster. (Not the module of this folder: that is ../cli.lua.)

local json = require "filo.base.json"
local make = require "filo.command.root.make"
local root = require "filo.command.root"

local NEXT = [[
node %s
in %s

Keep a copy of %s/identity: without it nothing that this node stores can be read.
Its options are in %s/node.lua.

  filo serve     starts it
  filo invite    prints a token, with which another node joins
]]

return {
  summary = "Make a node that begins a new cluster: its folder, keys, cluster secret and options.",

  describe = function(parser)
    root.option(parser)
    root.node_options(parser)
    parser:flag("--json", "For programs.")
  end,

  run = function(args)
    local path, err = root.path(args)
    if not path then return nil, err end
    local id
    id, err = make.node(path)
    if not id then return nil, err end
    local ok
    ok, err = make.settings(path, { listen = args.listen, name = args.name })
    if not ok then return nil, err end
    io.write(args.json and json.encode { id = id, root = path } .. "\n" or NEXT:format(id, path, path, path))
  end,
}
