---`filo join`: makes a node that joins a cluster by a token.

local errors = require "filo.base.errors"
local exit = require "filo.base.exit_status"
local filo = require "filo"
local first_line = require "filo.command.first_line"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local json = require "filo.base.json"
local keyring = require "filo.host.keyring"
local make = require "filo.command.root.make"
local root = require "filo.command.root"
local token = require "filo.command.token"

local NEXT = [[
node %s
in %s
The node that invited it is there: %s.

%s
Its options are in %s/node.lua.

  filo serve     starts it
]]

local KEEPER = [[
It keeps copies of what the others store, and reads nothing of them. What is stored here is its own:
keep a copy of %s/identity, without which nothing of that can be read.]]

local DEVICE = [[
It reads and writes what is stored at the node that invited it, as that one does: put, get and rm mean the same objects here and there.]]

local SEEN = "others on this machine see what stands on a command line, and the token holds the cluster secret: give it on standard "
  .. "input, 'filo join - < FILE', or name a file that it is in"

---What a failed join leaves, and what to do.
local function describe_failure(path, err)
  local text = ("%s\nNothing was joined. What was made in %s, with the identity there, stays"):format(err, path)
  if err.retryable then return text .. ": the same command goes on from there." end
  if err.code ~= "exists" then return text .. "." end
  return text .. ". Stop the node that runs with that identity first, or join as another node, with another --root."
end

---Seconds until somebody who waits is told for what.
local PATIENCE = 2

---Waits until all was read that the peer lists of the node's objects.
---@param node filo.Node
---@return {objects: integer, peers: integer}
local function read_lists(node)
  local listed, follow = { objects = 0 }, inside.of(node).follow
  local read, over = follow:wait_read(PATIENCE)
  if not over then io.stderr:write "What the peer lists is being read: of many objects, that takes some minutes.\n" end
  while not over do read, over = follow:wait_read(math.huge) end
  for _ in node:keys() do listed.objects = listed.objects + 1 end
  listed.peers = read
  return listed
end

---Connects as a node that lives only for that, to see that the other is who the token says, and lets this one in.
---@param lists boolean  what there is of the node's objects is read, too
---@return string? peer, filo.Error|{objects: integer, peers: integer}|nil
local function check(path, invitation, lists)
  local node <close>, err = filo.node { root = path, cluster = invitation.secret, log = function() end }
  if not node then return nil, err end
  local peer, problem = node:connect { address = invitation.address, id = invitation.id }
  if not peer then return errors.fail(problem.code, describe_failure(path, problem)) end
  return tostring(peer), lists and read_lists(node) or nil
end

---@param listed {objects: integer, peers: integer}
local function describe_lists(listed)
  if listed.peers == 0 then return "What there is of them could not be read yet: ls lists it once a peer was asked." end
  return ("%s listed, from %s: ls shows them, and get brings them here."):format(
    format.count(listed.objects, "object is", "objects are"), format.count(listed.peers, "peer", "peers"))
end

local join = { summary = "Make a node that joins the cluster of the node that printed a token." }

---The token, from a file or, named "-", from standard input.
---@return filo.Invitation?, filo.Error?
function join.read_token(name)
  if token.is_one(name) then return errors.fail("usage", SEEN) end
  local line, err = first_line(name, "the token")
  if not line then return nil, err end
  return token.decode(line, os.time())
end

function join.describe(parser)
  root.option(parser)
  root.node_options(parser)
  parser:argument("token", "The file with the token; '-' is standard input. On the command line others would see it.")
  parser:flag("--json", "For programs.")
end

---Makes the node and lets it join, and says how that went.
---@param args {listen: string, name?: string, json?: boolean}
---@param path string
---@param invitation filo.Invitation
---@param what string  what it is, for people
---@param lists? boolean  it was lost: there may be objects of it at peers
---@return integer?, filo.Error?  the exit status
function join.make(args, path, invitation, what, lists)
  local id, err = make.node(path, invitation.capability)
  if not id then return nil, err end
  local ok = true
  if lists then ok, err = keyring.note_writers(path) end -- nobody knows whether the lost node had let others write, too
  if not ok then return nil, err end
  local peer, listed = check(path, invitation, lists or invitation.capability ~= nil)
  if not peer then return nil, listed end
  if listed then what = what .. "\n" .. describe_lists(listed) end
  ok, err = make.settings(path, { listen = args.listen, name = args.name, secret = invitation.secret, bootstrap = invitation })
  if not ok then return nil, err end
  local device = invitation.capability ~= nil
  local joined = { id = id, root = path, peer = invitation.id, address = invitation.address, device = device, listed = listed }
  io.write(args.json and json.encode(joined, { "id", "root" }) .. "\n" or NEXT:format(id, path, peer, what, path))
  return exit.done
end

function join.run(args)
  local path, err = root.path(args)
  if not path then return nil, err end
  local invitation
  invitation, err = join.read_token(args.token)
  if not invitation then return nil, err end
  return join.make(args, path, invitation, invitation.capability and DEVICE or KEEPER:format(path))
end

return join
