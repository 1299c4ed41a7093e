---`filo namespaces`: lists the namespaces that the node has keys to.

local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local MAY = { ["read-one"] = "reads single objects", read = "reads", write = "reads and writes" }

return {
  summary = "List the namespaces whose objects can be read here.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--json", "For programs: a namespace on each line.")
    parser:epilog "The first is the one that get, put and the others mean without --of."
  end,

  run = function(args)
    local node <close>, err = open.reader(args)
    if not node then return nil, err end
    for _, each in ipairs(node:namespaces()) do
      local text = args.json and json.encode({ name = each.name, id = each.id, access = each.access }, { "name", "id" })
        or ("%-16s  %s  %s"):format(each.name, each.id, MAY[each.access])
      io.write(text, "\n")
    end
  end,
}
