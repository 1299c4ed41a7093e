---`filo verify`: reads copies here to the end and checks every byte.

local catalogue_progress = require "filo.command.catalogue_progress"
local errors = require "filo.base.errors"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local json = require "filo.base.json"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local root_keys = require "filo.command.root.keys"

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
    parser:flag("--json", "For programs: an object on each line.")
    parser:flag("-q --quiet", "Say nothing of good ones.")
    parser:epilog("What was verified longest ago comes first. Works with and without a running node. Bad copies are set aside; good ones "
      .. "are fetched when they are asked for.")
  end,

  run = function(args)
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
