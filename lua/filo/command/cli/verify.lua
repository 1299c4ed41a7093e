---`filo verify`: reads copies here to the end and checks every byte.

local at_end = require "filo.host.at_end"
local catalogue_progress = require "filo.command.catalogue_progress"
local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local failures = require "filo.command.failures"
local filo = require "filo"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local json = require "filo.base.json"
local new_progress = require "filo.command.progress"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local root_keys = require "filo.command.root.keys"

local PROGRESS_SECONDS = 0.1

---The node that owns the root checks, and sets aside what is bad: the one that runs, or one that is opened for this.
---@return (fun(key: string): true?, filo.Error?)?, filo.Error|table
local function open_checker(args)
  local client, err = open.client(args)
  if client then return function(key) return client:call("verify", { key = key, of = args.of }) end, client end
  if err.code ~= "not_running" then return nil, err end
  local node, objects = open.owner_of(args)
  if not node then return nil, objects end
  return function(key) return objects:verify(key) end, node
end

---Shows how far a round is.
---@param round? filo.ScrubRound
local function show(progress, round)
  if round and round.left then progress:count("reading", round.objects, round.objects + round.left, "objects") end
end

---A round over all that lies here, by the running node, or by one that is opened for this and has no peers.
---@return filo.ScrubReport?, filo.Error?
local function scrub(args, progress)
  local client <close>, err = open.client(args)
  if client then return client:call("scrub", {}, function(event) show(progress, event.round) end) end
  if err.code ~= "not_running" then return nil, err end
  local node <close>, problem = open.owner(args)
  if not node then return nil, problem end
  local task = filo.spawn(function()
    while true do
      filo.sleep(PROGRESS_SECONDS)
      show(progress, inside.of(node).scrub:status().round)
    end
  end):observe()
  local _ <close> = at_end(function() task:cancel() end)
  return node:scrub()
end

local function describe(report)
  local read = ("%s, %s: "):format(format.count(report.objects, "object", "objects"), format.bytes(report.bytes))
  if report.bad == 0 and report.wanted == 0 then return read .. "all good" end
  local healed = report.healed > 0 and (", %s healed"):format(format.number(report.healed)) or ""
  local wanted = report.wanted > 0 and ("; of %s no other was to be had yet: 'filo status' tells more"):format(
    format.count(report.wanted, "bad copy", "bad copies")) or ""
  return ("%s%s bad%s%s"):format(read, format.number(report.bad), healed, wanted)
end

---All that lies here is good in the end, or the command fails.
local function verify_all(args)
  local progress <close> = new_progress(args.quiet or args.json)
  local report, err = scrub(args, progress)
  progress:clear()
  if not report then return nil, err end
  if args.json then
    io.write(json.encode(report), "\n")
  elseif not args.quiet or report.bad > 0 or report.wanted > 0 then
    io.write(describe(report), "\n")
  end
  return (report.bad > report.healed or report.wanted > 0) and exit.failure or exit.done
end

---What is to be verified, first what was longest ago: keys, and errors of what lies here and has none any more.
---@return (string|filo.Error)[]?, filo.Error?
local function list_all(args)
  args.here = true
  if #args.key > 0 then return root_keys.of(args, "verify") end
  local node <close>, objects = open.reader_of(args)
  if not node then return nil, objects end
  local _ <close> = catalogue_progress(node, "verify")
  local keys, problems = {}, {}
  local function note(path) problems[#problems + 1] = root_keys.unreadable(path) end
  for item in inside.of(objects).listing:stalest(note) do keys[#keys + 1] = item.key end
  return table.move(problems, 1, #problems, #keys + 1, keys)
end

return {
  summary = "Read copies here to the end and check every byte of them.",

  describe = function(parser)
    root.option(parser)
    root.of_option(parser)
    parser:argument("key", "Their keys; all that the node stores of its own when there is none."):args "*"
    parser:flag("-r --recursive", "What is below these names, too: 'photos' is not 'photos2'. All that starts so: 'pho*'.")
    parser:flag("-a --all", "All that lies here, what is kept for others and deletions too; a running node heals what is bad.")
    parser:flag("--json", "For programs: an object on each line.")
    parser:flag("-q --quiet", "Say nothing of good ones.")
    parser:epilog("What was verified longest ago comes first. Works with and without a running node. Bad copies are set aside; a running "
      .. "node gets good ones from peers. It also reads all that lies here again by itself, as 'filo status' tells; --all has it do so at "
      .. "once, and exits with 0 if all is good in the end.")
  end,

  run = function(args)
    if args.all then
      if args.key[1] or args.of then
        return errors.fail("usage", "--all reads everything that lies here: leave out the keys, and --of")
      end
      return verify_all(args)
    end
    local list, err = list_all(args)
    if not list then return nil, err end
    local verify, owner = open_checker(args)
    if not verify then return nil, owner end
    local _ <close> = owner
    return failures.each("verify", list, function(key)
      if errors.is(key) then return nil, key end
      local ok, problem = verify(key)
      if not ok then return nil, problem end
      if not args.quiet then io.write(args.json and json.encode { key = key } or "good " .. format.printable(key), "\n") end
      return true
    end, args.json)
  end,
}
