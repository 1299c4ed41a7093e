---`filo trash`: lists what lies in the trash, or empties it.

local format = require "filo.base.format"
local hex = require("filo.core.crypto").hex
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local FIRST = { "key", "size", "time", "why", "version", "owner", "key_hash" }

---What it is of, for people: of what cannot be read here there is no name.
local function title(copy, own)
  local whose = copy.owner ~= own and ("of %s: "):format(copy.owner:sub(1, 16)) or ""
  return whose .. (copy.key and format.printable(copy.key) or hex(copy.key_hash):sub(1, 16))
end

local function line(copy, own, args)
  if not args.json then
    return ("%s  %-7s  %10s  %s"):format(format.date(copy.time), copy.why, format.bytes(copy.size), title(copy, own))
  end
  copy.key_hash = hex(copy.key_hash)
  return json.encode(copy, FIRST)
end

---By the time, then by what they are called: the trash itself has no order.
local function sorted(node)
  local list = {}
  for copy in node:trash() do list[#list + 1] = copy end
  table.sort(list, function(a, b)
    if a.time ~= b.time then return a.time < b.time end
    return (a.key or a.key_hash) < (b.key or b.key_hash)
  end)
  return list
end

local function list_all(args)
  local node <close>, err = open.reader(args)
  if not node then return nil, err end
  local own = node:namespace().id
  for _, copy in ipairs(sorted(node)) do
    if not io.write(line(copy, own, args), "\n") then return nil end -- whoever reads has enough
  end
end

local function empty(args)
  local client <close>, err = open.client(args)
  if not client then return nil, err end
  local gone
  gone, err = client:call("empty_trash", {})
  if not gone then return nil, err end
  local text = ("emptied the trash of %s, %s"):format(format.count(gone.objects, "object", "objects"), format.bytes(gone.bytes))
  if args.json then io.write(json.encode(gone, { "objects", "bytes" }), "\n") elseif not args.quiet then io.write(text, "\n") end
end

return {
  summary = "List what this node has dropped and can bring back, or with --empty drop it for good.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--empty", "Drop it for good, and free its room at once.")
    parser:flag("--json", "For programs: an object on each line.")
    parser:flag("-q --quiet", "Say nothing of what went well.")
    parser:epilog("What this node drops of its copies lies there for 24 hours, or as long as the option 'trash' in node.lua says, with "
      .. "'deletes = true' also what is deleted; the oldest goes before that when something else needs its room. 'filo undelete' "
      .. "brings it back. The list works with and without a running node.")
  end,

  run = function(args)
    if args.empty then return empty(args) end
    return list_all(args)
  end,
}
