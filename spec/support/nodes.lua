---Nodes in this process, on loopback, in a temporary folder; closed and removed at the end of the scope.
---
---    local net <close> = nodes.net()
---    local a, b = net:cluster(2)                  -- "a" has dialled the others; all are connected
---    local c = net:start("c", { listen = ... })   -- options of filo.node beside those of every node here
---    b = net:restart "b"                          -- same root, same address, same options

local assert = require "luassert"
local filo = require "filo"
local inside = require "filo.base.inside"
local limits = require "filo.host.limits"
local new_bell = require "spec.support.bell"
local temp = require "spec.support.temp"

local SECRET = "1b9f7d40c3e85a26f0d1473ab85e92c6"
local WAIT_SECONDS = 10

limits.late = 0.2 -- most that go here are to stay away

local nodes = { NONE = {}, SECRET = SECRET } -- NONE as an option's value: not given

---@class spec.Net
local Net = {}
Net.__index = Net

function nodes.net()
  return setmetatable({ folder = temp.folder(), nodes = {}, options = {}, lines = {}, bell = new_bell() }, Net)
end

---Calls fn again and again until it gives something; an error after some seconds. For what nobody tells of.
function nodes.wait(fn, what, seconds)
  local deadline = filo.now() + (seconds or WAIT_SECONDS)
  while true do
    local result = fn()
    if result then return result end
    if filo.now() > deadline then error("no " .. (what or "end") .. " in time", 2) end
    filo.sleep(0.002)
  end
end

local function complete(self, name, given)
  local options = {
    root = self.folder:file(name), listen = "127.0.0.1:0", cluster = SECRET, durability = "none", reserve = 0,
    log = function(level, message)
      table.insert(self.lines, ("%s %s: %s"):format(name, level, message))
      self.bell:ring()
    end,
  }
  for option, value in pairs(given or {}) do
    if value == nodes.NONE then options[option] = nil else options[option] = value end
  end
  return options
end

---Starts a node. Gives nil, err as filo.node does.
function Net:try(name, given)
  local options = complete(self, name, given)
  local node, err = filo.node(options)
  if not node then return nil, err end
  self.nodes[name], self.options[name] = node, options
  return node
end

function Net:start(name, given) return assert(self:try(name, given)) end

function Net:stop(name)
  if self.nodes[name] then self.nodes[name]:close() end
  self.nodes[name] = nil
end

---Starts a node that was stopped, or is stopped now, as it was before: on its root, at its address.
function Net:restart(name, given)
  local address = self.nodes[name] and self.nodes[name].address or self.options[name].listen
  self:stop(name)
  local options = self.options[name]
  options.listen = address
  for option, value in pairs(given or {}) do options[option] = value end
  return self:start(name, options)
end

---Starts a node that was stopped on its root, where nobody finds it, and it knows nobody.
function Net:apart(name, given)
  self:stop(name)
  os.execute("rm -r " .. temp.quote(self.options[name].root .. "/roster"))
  local options = { listen = "127.0.0.1:0", bootstrap = {} }
  for option, value in pairs(given or {}) do options[option] = value end
  for option, value in pairs(options) do self.options[name][option] = value end
  return self:start(name, self.options[name])
end

---Calls fn each time a peer has come or gone, until it gives something.
local function wait_for_peers(node, fn, what)
  local bell = new_bell()
  local function ring() bell:ring() end
  local removers = { node:on("peer_up", ring, math.huge), node:on("peer_down", ring, math.huge) }
  local found = bell:wait(WAIT_SECONDS, fn)
  for _, remove in ipairs(removers) do remove() end
  if not found then error("no " .. what .. " in time", 3) end
end

---The receipt of what is stored, though members are away that should hold a copy.
---@param receipt? filo.Receipt
---@param err? filo.Error
---@return filo.Receipt
function nodes.stored(receipt, err)
  if err and err.code == "not_enough_copies" and err.receipt.away[1] then return err.receipt end
  return assert(receipt, tostring(err))
end

---Waits until a node has so many peers.
function nodes.peers(node, count)
  wait_for_peers(node, function() return #node:peers() == count end, count .. " peers")
end

---Waits until a node has that peer.
function nodes.peer(node, id)
  wait_for_peers(node, function() return inside.of(node).peer_list:get(id) end, "peer " .. id)
end

---Starts nodes "a", "b", "c" ... of a net, with `net:start`; a dials the others and is returned first. `given` holds for all, `each[name]`
---for one.
function nodes.cluster(net, count, given, each)
  local list, addresses = {}, {}
  for i = count, 1, -1 do
    local name = string.char(96 + i)
    local options = {}
    for option, value in pairs(given or {}) do options[option] = value end
    for option, value in pairs(each and each[name] or {}) do options[option] = value end
    if i == 1 then options.bootstrap = addresses end
    list[i] = net:start(name, options)
    addresses[#addresses + 1] = list[i].address
  end
  nodes.peers(list[1], count - 1)
  for i = 2, count do nodes.peer(list[i], list[1].id) end
  return table.unpack(list)
end

Net.cluster = nodes.cluster

---True when a line of the nodes' logs matches the pattern.
function Net:logged(pattern)
  for _, line in ipairs(self.lines) do
    if line:find(pattern) then return line end
  end
end

---Waits for such a line; gives it.
function Net:expect(pattern)
  return self.bell:wait(WAIT_SECONDS, function() return self:logged(pattern) end) or error(("no line '%s' in time"):format(pattern), 2)
end

---What a hook of a node is given from now on, call by call: `local next_one = nodes.events(a, "corrupt")`, `local what, peer = next_one()`.
---@return fun(): any ...  waits; an error after some seconds
function nodes.events(node, name)
  local calls = filo.channel(1000)
  node:on(name, function(...) calls:send(table.pack(...)) end)
  return function()
    local call = calls:receive(WAIT_SECONDS) or error(("no call of the hook '%s' in time"):format(name), 2)
    return table.unpack(call, 1, call.n)
  end
end

---The file of an object of `owner`'s at a node.
function nodes.place(owner, node, key)
  return ("%s/objects/%s/%s"):format(node.root, owner:namespace().id, owner:path_of(owner:key_hash(key)))
end

function nodes.exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

---Waits until what a node is fetching of an object of its own is kept: a get returns before that.
function nodes.kept(node, key) inside.of(node).fetches:wait(node:key_hash(key)) end

---Flips every bit of a byte of a file; a negative offset counts from its end.
function nodes.flip(path, at)
  local file <close> = assert(io.open(path, "r+b"))
  file:seek(at < 0 and "end" or "set", at)
  local byte = file:read(1)
  file:seek("cur", -1)
  assert(file:write(string.char(byte:byte() ~ 0xff)))
end

---Takes away the copy of an object of its own that a node has, as a disk that loses it would.
function nodes.drop(node, key) assert(inside.of(node).disk:remove(inside.of(node).namespace, node:path_of(node:key_hash(key)))) end

---The same of an object of another's.
function nodes.drop_at(owner, node, key)
  assert(inside.of(node).disk:remove(inside.of(owner).namespace, owner:path_of(owner:key_hash(key))))
end

---That is what a node says of an object that was deleted, whatever it is asked.
function nodes.check_deleted(node, key)
  local object, err = node:get(key)
  assert.is_nil(object)
  assert.equal("not_found", err.code)
  assert.equal(("'%s' was deleted"):format(key), tostring(err))
  assert.is_false(node:has(key))
  assert.is_nil(node:stat(key))
end

---All of an object's content; nil, err as `get` and `read` give it.
function nodes.content(node, key)
  local object <close>, err = node:get(key)
  if not object then return nil, err end
  return object:read "a"
end

---Bytes that do not repeat, the same for the same seed.
function nodes.bytes(count, seed)
  local stream <close> = assert(filo.crypto.ctr(("k"):rep(32), ("%016d"):format(seed or 0)))
  return assert(stream:crypt(("\0"):rep(count)))
end

function Net:close()
  for name in pairs(self.nodes) do self:stop(name) end
  self.folder:remove()
end

Net.__close = Net.close

return nodes
