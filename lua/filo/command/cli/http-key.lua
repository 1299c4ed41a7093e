---`filo http-key`: makes, lists and revokes keys with which programs reach objects over HTTP and S3.

local access = require "filo.command.web.access"
local format = require "filo.base.format"
local json = require "filo.base.json"
local root = require "filo.command.root"
local store = require "filo.core.store"

local function list(path, args)
  local keys, err = access.list(path)
  if not keys then return nil, err end
  for _, key in ipairs(keys) do
    key.secret = nil
    local what = key.prefix == "" and "everything" or format.printable(key.prefix)
    local text = ("%s  %s  %-5s  %s"):format(key.id, format.date(key.time), key.access, what)
    io.write(args.json and json.encode(key, { "id", "access", "prefix", "time" }) or text, "\n")
  end
end

local function make(path, args)
  local key, err = access.make(path, args.read and "read" or "write", args.prefix or "")
  if not key then return nil, err end
  io.write(args.json and json.encode(key, { "id", "secret", "access", "prefix", "time" }) or key.id .. ":" .. key.secret, "\n")
end

return {
  summary = "Make a key with which programs reach objects over HTTP or S3, or list and revoke these.",

  describe = function(parser)
    root.option(parser)
    parser:argument("prefix", "What the names of objects begin with that it opens. Default: all of them."):args "?"
    parser:flag("--read", "It only reads.")
    parser:mutex(
      parser:flag("--list", "List those that there are, without their secrets."),
      parser:option("--revoke", "Have it open nothing any more, from now on."):argname "ID"
    )
    parser:flag("--json", "For programs: a key on each line.")
    parser:epilog("Prints ID:SECRET, once: a name and a password, as browsers ask for them. For curl they belong into a file, "
      .. "user = \"ID:SECRET\", and curl --config FILE http://ADDRESS/o/KEY. node.lua says where the node serves, by "
      .. "http = { address = \"127.0.0.1:7180\", objects = true }. For S3 (s3 = \"127.0.0.1:7181\") ID is the access key ID, and "
      .. "SECRET the secret access key.")
  end,

  run = function(args)
    local path, err = root.path(args)
    if not path then return nil, err end
    if store.look(path) ~= "made" then return nil, root.missing(path) end
    if args.list then return list(path, args) end
    if args.revoke then
      local ok, problem = access.revoke(path, args.revoke)
      return ok and 0 or nil, problem
    end
    return make(path, args)
  end,
}
