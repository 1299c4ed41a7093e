---`filo peers`: lists the members of the running node's cluster, connected or not.

local columns_of = require "filo.command.columns"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"

local DAY = 86400

---For how long.
local function ago(seconds) return seconds < DAY and format.clock(seconds) or format.count(seconds // DAY | 0, "day", "days") end

---What is known of one beside its address.
local function describe(member)
  if not member.connected then return member.why or "" end
  if member.left == 0 then return "empty: it may be switched off" end
  if member.left then return format.count(member.left, "copy", "copies") .. " left" end
  local rtt = member.rtt and ("%.1f ms"):format(member.rtt * 1000) or "not measured yet"
  return ("%s free, %s"):format(member.free and format.bytes(member.free) or "?", rtt)
end

local function columns(member)
  local zone = member.about.zone
  return {
    member.name or "-", member.id:sub(1, 16), member.address or "not told", type(zone) == "string" and "zone " .. zone or "",
    member.since and ("%s %s"):format(member.state, ago(member.since)) or member.state, describe(member),
  }
end

return {
  summary = "List the members of the running node's cluster, connected or not.",

  describe = function(parser)
    root.option(parser)
    parser:flag("--json", "For programs: a list, with whole IDs.")
    parser:epilog "A member that is away stays one, and is dialled, until 'filo forget' removes it. A guest was let in by a script only."
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local members
    members, err = client:call "members"
    if not members then return nil, err end
    if args.json then
      for _, member in ipairs(members) do json.with_object(member, "about") end
      io.write(json.encode(members, { "id", "name", "address", "state" }), "\n")
      return
    end
    for i, member in ipairs(members) do members[i] = columns(member) end
    columns_of.write(members)
  end,
}
