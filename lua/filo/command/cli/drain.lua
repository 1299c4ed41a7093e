---`filo drain`: has a member emptied.

local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

return {
  summary = "Have a member emptied: others get copies of what it has, and then it may be switched off.",

  describe = function(parser)
    root.option(parser)
    parser:argument("name", "Its name, or the start of its ID, as 'filo peers' lists them.")
    parser:flag("--undo", "Let it be one like all others again.")
    parser:flag("--json", "For programs.")
    parser:epilog("It is given nothing more, and drops each copy once all who should have one have proved theirs; 'filo peers' tells how "
      .. "many are left. This counts where 'filo forget' counts. One that is gone already has nothing to give: 'filo forget' it.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local member
    member, err = client:call("drain", { name = args.name, undo = args.undo })
    if not member then return nil, err end
    if args.json then
      io.write(json.encode({ id = member.id, name = member.name, draining = not args.undo }, { "id", "name" }), "\n")
      return
    end
    local who = ("%s (%s)"):format(member.name or "the node", member.id:sub(1, 16))
    local what = args.undo and "a member like all others again" or "to be emptied; 'filo peers' tells how many copies are left there"
    io.write(format.printable(("%s is %s"):format(who, what)), "\n")
  end,
}
