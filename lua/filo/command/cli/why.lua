---`filo why`: tells where the copies of an object are, and why others are missing.

local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local root_keys = require "filo.command.root.keys"

---Seconds by which the clocks of nodes may well differ.
local CLOCKS_DIFFER = 300

local function state(copy, survey)
  if copy.problem then return (copy.unwanted and "none: " or "missing: ") .. format.printable(copy.problem) end
  if copy.version < survey.item.version then return "old: it has an earlier version" end
  if copy.version > survey.item.version then return copy.deleted and "deleted there" or "newer: it has a later version" end
  if not copy.verified then return "not verified: `filo verify` at that node hashes it" end
  local when = format.date(copy.verified)
  if copy.verified > os.time() + CLOCKS_DIFFER then return "not verified: it claims to have been on " .. when .. ", which is to come" end
  return "good, verified " .. when
end

---What a node says that it is called, and where it is: "attic, zone home: ".
local function title(copy)
  local parts = { copy.name }
  if copy.zone then parts[#parts + 1] = "zone " .. copy.zone end
  return parts[1] and format.printable(table.concat(parts, ", ")) .. ": " or ""
end

local function role(copy, is_first)
  if is_first then return "this node" end
  return (copy.state or "up") == "up" and "peer" or copy.state
end

local function count_good(survey)
  local count = 0
  for _, copy in ipairs(survey.copies) do
    if copy.version == survey.item.version then count = count + 1 end
  end
  return count
end

local function describe(survey)
  local item = survey.item
  io.write(("%s: %s, stored %s\n"):format(format.printable(item.key), format.bytes(item.size), format.date(item.version // 1000000)))
  io.write(("policy: %s; it wants %s, there are %d\n"):format(survey.policy,
    format.count(survey.quorum + #survey.unreached, "copy", "copies"), count_good(survey)))
  if survey.wanted then
    io.write(("bad here since %s; another one was not to be had: %s; again in %s\n"):format(format.date(survey.wanted.since),
      format.printable(survey.wanted.problem), format.clock(survey.wanted.next)))
  end
  for i, copy in ipairs(survey.copies) do
    io.write(("  %s  %-9s  %s%s\n"):format(copy.node:sub(1, 16), role(copy, i == 1), title(copy), state(copy, survey)))
  end
  for _, address in ipairs(survey.unreached) do
    io.write(("  %-16s  %-9s  not connected\n"):format(format.printable(address), "peer"))
  end
  if survey.lacking then io.write(("not met: %s\n"):format(format.printable(survey.lacking))) end
end

return {
  summary = "Tell where the copies of objects are, and why others are missing.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("key", "Their keys."):args "+"
    parser:flag("-r --recursive", "What is below these names, too: 'photos' is not 'photos2'. All that starts so: 'pho*'.")
    parser:flag("--json", "For programs: an object on each line.")
  end,

  run = function(args)
    local client <close>, err = open.client(args)
    if not client then return nil, err end
    local list
    list, err = root_keys.of(args, "why")
    if not list then return nil, err end
    local lacking = false
    local status = failures.each("why", list, function(key)
      if errors.is(key) then return nil, key end
      local survey, problem = client:call("copies", { key = key, of = args.of })
      if not survey then return nil, problem end
      if args.json then
        json.with_object(survey.item, "fields")
        io.write(json.encode(survey, { "item", "policy", "quorum" }), "\n")
      else
        describe(survey)
      end
      lacking = lacking or survey.wanted ~= nil or count_good(survey) < survey.quorum or survey.unreached[1] ~= nil
        or survey.lacking ~= nil
      return true
    end, args.json)
    return status == exit.done and lacking and exit.not_enough_copies or status
  end,
}
