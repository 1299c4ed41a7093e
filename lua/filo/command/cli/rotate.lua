---`filo rotate`: changes the keys of what was shared.

local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local json = require "filo.base.json"
local new_progress = require "filo.command.progress"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local rotation = require "filo.command.rotation"

---By the running node, or in the root where none runs.
local function rotate(args, progress)
  local client <close>, err = open.client(args)
  if client then
    local ask = { of = args.of, wait = not args.background }
    return client:call("rotate", ask, function(event) rotation.show(progress, event) end)
  end
  if err.code ~= "not_running" or args.background then return nil, err end
  local node <close>, objects = open.owner_of(args)
  if not node then return nil, objects end
  return objects:rotate()
end

return {
  summary = "Change the keys, so that nobody who was let read before reads what comes.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:flag("--background", "Return at once: the running node does it, as 'filo status' tells.")
    parser:flag("--json", "For programs.")
    parser:flag("-q --quiet", "Say nothing of what went well.")
    parser:epilog("What 'filo share' has printed until now opens neither what is stored from now on nor its names; share anew with who is "
      .. "to read on, or see 'filo forget-reader'. WHO COULD READ AN OBJECT KEEPS THAT: he has what he read, and the keys to the content "
      .. "of all versions that he could read, which open for him wherever he gets their sealed copies. Who was given --write makes all "
      .. "keys himself, and cannot be shut out. No content is sealed or sent again: each object gets a new record, here and at peers, "
      .. "and for that room for one more copy of it on a disk that cannot share blocks. Interrupted, or with peers that are away, it "
      .. "goes on by itself while the node runs.")
  end,

  run = function(args)
    local progress <close> = new_progress(args.quiet or args.json or args.background)
    local done, err = rotate(args, progress)
    progress:clear()
    if not done then return nil, err end
    if args.json then
      io.write(json.encode(done, { "generation", "left" }), "\n")
    elseif not args.quiet then
      io.write(rotation.text(done), "\n", rotation.KEPT, "\n")
    end
    if args.background or not done.problem then return exit.done end
    failures.tell("rotate", errors.text(rotation.undone(done)))
    return exit.failure
  end,
}
