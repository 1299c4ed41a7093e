---`filo plan`: what would move, were each object where the policy would have it by now.

local columns_of = require "filo.command.columns"
local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local FIRST = { "id", "policy", "objects", "bytes", "moving", "moving_bytes", "below", "lacking" }

local function title(names, id) return names[id] or id:sub(1, 16) end

local function amount(copies, bytes) return ("%s, %s"):format(format.count(copies, "copy", "copies"), format.bytes(bytes)) end

local function members(made)
  local rows = {}
  for i, each in ipairs(made.members) do
    rows[i] = {
      each.name or "-", each.node:sub(1, 16), amount(each.objects, each.bytes), "->", amount(each.objects_after, each.bytes_after),
      each.why or each.full and ("does not fit: it has %s free"):format(format.bytes(each.free)) or "",
    }
  end
  return rows
end

local function moves(made)
  local names, rows = {}, {}
  for _, each in ipairs(made.members) do names[each.node] = each.name end
  for i, way in ipairs(made.moves) do
    rows[i] = { title(names, way.from), "->", title(names, way.to), format.count(way.objects, "copy", "copies"), format.bytes(way.bytes) }
  end
  return rows
end

---What it comes to, in sentences.
---@param is_asked boolean  under another policy than the one that counts
local function summary(made, is_asked)
  local objects = format.count(made.objects, "object", "objects")
  local lines = { ("policy '%s', %s here, %s"):format(made.policy, objects, format.bytes(made.bytes)) }
  if made.below > 0 then
    local objects_have = format.count(made.below, "object has", "objects have")
    local when = is_asked and "they would be made by themselves" or "they are made by themselves"
    lines[#lines + 1] = ("%s fewer copies than there should be: %s"):format(objects_have, when)
  end
  if made.lacking > 0 then
    lines[#lines + 1] = ("the policy cannot be met by these members for %s"):format(format.count(made.lacking, "object", "objects"))
  end
  if made.moving == 0 then
    lines[#lines + 1] = "nothing would move"
    return lines
  end
  local time = made.seconds and ", which takes " .. format.clock(made.seconds) or ""
  local copies = format.count(made.moving, "copy", "copies")
  lines[#lines + 1] = ("%s of %s would be made%s"):format(copies, format.bytes(made.moving_bytes), time)
  return lines
end

---@return string? source, filo.Error?
local function read(path)
  local file <close>, _, code = io.open(path, "rb")
  if not file then return errors.of_system(code, path) end
  local text, _, errno = file:read "a"
  if text then return text end
  return errors.of_system(errno, path)
end

return {
  summary = "Tell what would move, were each object where the policy would have it by now.",

  describe = function(parser)
    root.option(parser)
    parser:argument("policy", "A file with a policy, as 'filo sim' takes it: what would be under that one. Default: the node's."):args "?"
    parser:option("--policy", "One that comes with Filo instead: 'zones { copies = 3, zones = 2 }'."):argname "TEXT":target "text"
    parser:flag("--json", "For programs: the plan, with whole IDs.")
    parser:epilog("Copies that are missing are made by themselves, and those that are too many go; but one that was made somewhere stays "
      .. "there, also when a member has come that would be chosen today. 'filo apply PLAN' moves copies as the plan says.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local source
    if args.policy then
      source, err = read(args.policy)
      if not source then return nil, err end
    end
    local made
    made, err = client:call("plan", { source = source, path = args.policy, text = args.text })
    if not made then return nil, err end
    if args.json then
      io.write(json.encode(made, FIRST), "\n")
      return exit.done
    end
    for _, line in ipairs(summary(made, (source or args.text) ~= nil)) do io.write(format.printable(line), "\n") end
    if made.members[1] then io.write("\n") end
    columns_of.write(members(made))
    if made.moving == 0 then return exit.done end
    io.write("\n")
    columns_of.write(moves(made))
    if not source and not args.text then io.write(("\n'filo apply %s' does it\n"):format(made.id)) end
    return exit.done
  end,
}
