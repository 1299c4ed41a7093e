---`filo usage`: tells for whom this node keeps how much.

local catalogue_progress = require "filo.command.catalogue_progress"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local FIRST = { "owner", "objects", "bytes", "deleted" }

local function line(usage, args)
  if args.json then return json.encode(usage, FIRST) end
  local deleted = usage.deleted > 0 and ", and " .. format.count(usage.deleted, "deletion", "deletions") or ""
  return ("%s  %10s in %s%s"):format(usage.owner, format.bytes(usage.bytes), format.count(usage.objects, "object", "objects"), deleted)
end

return {
  summary = "Tell for whom this node keeps how much.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--json", "For programs: an object for each owner on each line.")
    parser:epilog("Each owner is told of by the ID of a namespace. Works with and without a running node. What is kept for one who is gone "
      .. "for good: 'filo rm --owner ID'.")
  end,

  run = function(args)
    local node <close>, err = open.reader(args)
    if not node then return nil, err end
    local _ <close> = catalogue_progress(node, "usage")
    for _, usage in ipairs(node:usage()) do
      if usage.owner ~= node:namespace().id then io.write(line(usage, args), "\n") end
    end
  end,
}
