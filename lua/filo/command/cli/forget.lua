---`filo forget`: removes a member for good.

local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

return {
  summary = "Remove a member for good: it is let in nowhere any more, and nobody waits for it.",

  describe = function(parser)
    root.option(parser)
    parser:argument("name", "Its name, or the start of its ID, as 'filo peers' lists them.")
    parser:flag("--undo", "Let one in again that was removed.")
    parser:flag("--json", "For programs.")
    parser:epilog("This counts at the nodes that write the same objects, and at those that were invited by one of them: they have the "
      .. "namespace among 'operators' in their node.lua. The member still knows the cluster secret: where that must not be, change it.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local member
    member, err = client:call("forget", { name = args.name, undo = args.undo })
    if not member then return nil, err end
    if args.json then
      io.write(json.encode({ id = member.id, name = member.name, member = args.undo or false }, { "id", "name" }), "\n")
      return
    end
    local who = ("%s (%s)"):format(member.name or "the node", member.id:sub(1, 16))
    io.write(format.printable(args.undo and who .. " is a member again" or who .. " is no member any more"), "\n")
  end,
}
