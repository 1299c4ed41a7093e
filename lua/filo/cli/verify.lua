---filo verify

local access = require "filo.root.access"
local cli = require "filo.cli"
local format = require "filo.format"
local root = require "filo.root"

---Whoever owns the root sets a bad copy aside: a running node where there is one.
local function check(node, args, key)
  local ok, err = node:verify(key)
  if ok or err.code ~= "corrupt" then return ok, err end
  local client <close> = access.client(args)
  if client then client:call("verify", { key = key }) end
  return nil, err
end

local function keys_of(node, args)
  if #args.key > 0 then return args.key end
  local keys = {}
  for item in node:list() do keys[#keys + 1] = item.key end
  return keys
end

return {
  summary = "Read copies here to the end and check every byte of them.",

  describe = function(parser)
    root.option(parser)
    parser:argument("key", "Their keys; all that the node stores of its own when there is none."):args "*"
    parser:flag("-q --quiet", "Say nothing of good ones.")
    parser:epilog "Works with and without a running node, which sets bad copies aside and fetches good ones when they are asked for."
  end,

  run = function(args)
    local node <close>, err = access.reader(args)
    if not node then return nil, err end
    return cli.each("verify", keys_of(node, args), function(key)
      local ok, problem = check(node, args, key)
      if not ok then return nil, problem end
      if not args.quiet then io.write("good ", format.key(key), "\n") end
      return true
    end)
  end,
}
