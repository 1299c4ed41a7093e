---`filo stat`: tells what is known of an object.

local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

---Asks the running node, whose peers may have it, where the root alone does not.
local function look(args)
  local node <close>, objects = open.reader_of(args)
  if not node then return nil, objects end
  local item, problem = objects:stat(args.key)
  if item and item.from == "here" or problem and problem.code ~= "not_found" then return item, problem end
  local client <close> = open.client(args)
  if not client then return item, problem end
  return client:call("stat", { key = args.key, of = args.of })
end

local PLACES = {
  here = "here", peers = "at peers only: 'filo why' says which",
  listed = "not here; peers have listed it, and none that is connected has it",
}

local function describe(item)
  local lines = {
    { "key", format.printable(item.key) }, { "size", ("%d (%s)"):format(item.size, format.bytes(item.size)) },
    { "modified", item.modified and format.date(item.modified) or "unknown" }, { "version", item.version },
    { "encrypted", item.encrypted and "yes" or "no" },
    { "copy", PLACES[item.from] },
  }
  for i, each in ipairs(lines) do lines[i] = ("%-10s %s\n"):format(each[1], each[2]) end
  return table.concat(lines)
end

return {
  summary = "Tell what is known of an object.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("key", "Its key.")
    parser:flag("--json", "For programs.")
  end,

  run = function(args)
    local item, err = look(args)
    if not item then return nil, err end
    item.here = item.from == "here"
    io.write(args.json and json.encode(json.with_object(item, "fields"), { "key", "size" }) .. "\n" or describe(item))
  end,
}
