---`filo readers`: lists who was given what.

local format = require "filo.base.format"
local given = require "filo.command.given"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

return {
  summary = "List who was given what, where 'filo share --for' was told.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:flag("--json", "For programs: what one reader was given on each line.")
    parser:epilog("Of what was shared without --for nothing is noted. 'old' stands before what opens nothing that is stored now, since the "
      .. "keys were changed: share it anew. No keys are noted.")
  end,

  run = function(args)
    local node <close>, objects = open.reader_of(args)
    if not node then return nil, objects end
    local list, err = objects:readers()
    if not list then return nil, err end
    local generation = objects:rotation().generation
    for _, each in ipairs(list) do
      local is_old = each.access ~= "write" and each.generation < generation
      local text = args.json and json.encode(each, { "reader", "access", "key" })
        or ("%-16s  %s  %-3s  %s"):format(each.reader, format.date(each.time), is_old and "old" or "", given(each))
      io.write(text, "\n")
    end
  end,
}
