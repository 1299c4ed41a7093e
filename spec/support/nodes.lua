---Nodes in this process, on loopback, in a temporary folder; closed and removed at the end of the scope.
---
---    local net <close> = nodes.net()
---    local a, b = net:cluster(2)                  -- "a" has dialled the others; all are connected
---    local c = net:start("c", { listen = ... })   -- options of filo.node beside those of every node here
---    b = net:restart "b"                          -- same root, same address, same options

local filo = require "filo"
local temp = require "spec.support.temp"

local SECRET = "the cluster secret of a test"
local WAIT_SECONDS = 10

local nodes = { NONE = {}, SECRET = SECRET } -- NONE as an option's value: not given

---@class spec.Net
local Net = {}
Net.__index = Net

function nodes.net()
  return setmetatable({ folder = temp.folder(), nodes = {}, options = {}, lines = {} }, Net)
end

---Calls fn until it gives something; an error after some seconds.
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
    log = function(level, message) table.insert(self.lines, ("%s %s: %s"):format(name, level, message)) end,
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

---Waits until a node has so many peers.
function nodes.peers(node, count)
  nodes.wait(function() return #node:peers() == count end, count .. " peers")
end

---Starts nodes "a", "b", "c" ...; a dials the others and is returned first. `given` holds for all, `each[name]` for one.
function Net:cluster(count, given, each)
  local list, addresses = {}, {}
  for i = count, 1, -1 do
    local name = string.char(96 + i)
    local options = {}
    for option, value in pairs(given or {}) do options[option] = value end
    for option, value in pairs(each and each[name] or {}) do options[option] = value end
    if i == 1 then options.bootstrap = addresses end
    list[i] = self:start(name, options)
    addresses[#addresses + 1] = list[i].address
  end
  nodes.peers(list[1], count - 1)
  for i = 2, count do nodes.wait(function() return list[i].peer_list:get(list[1].id) end, "peer at the other end") end
  return table.unpack(list)
end

---True when a line of the nodes' logs matches the pattern.
function Net:logged(pattern)
  for _, line in ipairs(self.lines) do
    if line:find(pattern) then return line end
  end
end

---The file of an object of `owner`'s at a node.
function nodes.place(owner, node, key)
  return ("%s/objects/%s/%s"):format(node.root, owner.id, owner:path_of(owner:key_hash(key)))
end

function nodes.exists(path)
  local file <close> = io.open(path)
  return file ~= nil
end

---Waits until there is, or is not, a copy of the owner's object at a node.
function nodes.wait_copy(owner, node, key, wanted)
  local path = nodes.place(owner, node, key)
  nodes.wait(function() return nodes.exists(path) == (wanted ~= false) end, "change of the copy")
end

---Flips every bit of a byte of a file; a negative offset counts from its end.
function nodes.flip(path, at)
  local file <close> = assert(io.open(path, "r+b"))
  file:seek(at < 0 and "end" or "set", at)
  local byte = file:read(1)
  file:seek("cur", -1)
  assert(file:write(string.char(byte:byte() ~ 0xff)))
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
