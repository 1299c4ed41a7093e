---`filo invite`: prints a token, with which another node joins: a keeper of copies, or another machine of the same person.

local errors = require "filo.base.errors"
local is_loopback = require "filo.base.is_loopback"
local json = require "filo.base.json"
local net = require "filo.core.net"
local node_lua = require "filo.command.root.node_lua"
local open = require "filo.command.root.open"
local root = require "filo.command.root"
local store = require "filo.core.store"
local token = require "filo.command.token"

local SECONDS = { m = 60, h = 3600, d = 86400 }

---"24h" as seconds; for argparse.
local function duration(text)
  local count, unit = text:match "^(%d+)([mhd])$"
  count = math.tointeger(tonumber(count))
  if count and count > 0 and count < 100000 then return count * SECONDS[unit] end
  return nil, ("--expires takes a time from 1m to 99999d, such as 30m, 24h or 7d, not '%s'"):format(text)
end

local EVERY_ADDRESS = { [""] = true, ["0.0.0.0"] = true, ["::"] = true }

---Whether an address names one place.
local function is_place(address)
  local host, port = net.address(address)
  return host and not EVERY_ADDRESS[host] and port ~= 0
end

---The text, when others can reach a node there; for argparse.
local function check_place(text)
  local address, problem = root.check_address(text)
  if not address or is_place(text) then return address, problem end
  return nil, ("others cannot reach '%s': give the address of this machine, and the port there"):format(text)
end

---Where others reach a node that listens there.
local function reachable(listen)
  local host = net.address(listen or "")
  if not is_place(listen or "") then
    local where = listen and ("node.lua says only '%s'"):format(listen) or "it does not listen: node.lua has no 'listen'"
    return errors.fail("usage", ("give --address HOST:PORT, where others reach this node; %s"):format(where))
  end
  if is_loopback(host) then
    io.stderr:write(("filo invite: %s is reached from this machine only\n"):format(listen))
  end
  return listen
end

---What a token is made of, as the running node has it. Where none runs, its node.lua has to say.
---@return {id: string, listen?: string, cluster?: string, operators: string[]}?, filo.Error?
local function invitation_of(path)
  local client <close>, err = open.client { root = path }
  if client then return client:call "invitation" end
  if err.code ~= "not_running" then return nil, err end
  local options
  options, err = node_lua.read(path)
  if not options then return nil, err end
  local owner
  owner, err = store.marker(path)
  return owner and { id = owner, listen = options.listen, cluster = options.cluster, operators = options.operators or {} }, err
end

---What lets another machine write what this one does, if it is to; and the namespaces that decide there who is a member: this node's, where
---it writes it, and those that decide here.
---@return {capability?: string, operators: string[]}?, filo.Error?
local function trust_of(args, operators)
  local node <close>, err = open.reader(args)
  if not node then return nil, err end
  local capability, problem
  if args.device then capability, problem = node:share(nil, { write = true }) end
  if problem then return nil, problem end
  local namespace = node:namespace()
  local list = namespace.access == "write" and { namespace.id } or {}
  for _, each in ipairs(operators) do
    if each ~= namespace.id then list[#list + 1] = each end
  end
  return { capability = capability, operators = list }
end

return {
  summary = "Print a token, with which another node joins this one's cluster.",

  describe = function(parser)
    root.option(parser)
    parser:option("--address", "Where others reach this node. Default: where it listens."):argname("HOST:PORT")
      :convert(check_place)
    parser:flag("--device", "For another machine of yours: it reads and writes what is stored here as this one does. Without, the other "
      .. "node holds copies, of which it reads nothing.")
    parser:option("--expires", "How long the token is good: 30m, 24h, 7d.", "24h"):argname("TIME"):convert(duration)
    parser:flag("--json", "For programs.")
    parser:epilog("The token holds the cluster secret, and with --device the keys to all that is stored here: send it where nobody else "
      .. "reads it.")
  end,

  run = function(args)
    local path, err = root.path(args)
    if not path then return nil, err end
    local found
    found, err = invitation_of(path)
    if not found then return nil, err end
    if not found.cluster then
      return errors.fail("invalid", ("there is no cluster secret to join with: no file %s"):format(root.secret_file(path)))
    end
    local address = args.address
    if not address then address, err = reachable(found.listen) end
    if not address then return nil, err end
    local trust
    trust, err = trust_of(args, found.operators)
    if not trust then return nil, err end
    local expires = os.time() + args.expires
    local text = token.encode {
      address = address, id = found.id, secret = found.cluster, expires = expires, capability = trust.capability,
      operators = trust.operators,
    }
    local told = { token = text, id = found.id, address = address, expires = expires, device = args.device or false }
    io.write(args.json and json.encode(told, { "token" }) or text, "\n")
  end,
}
