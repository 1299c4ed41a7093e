---Connections that have ended leave nothing behind.

local descriptors = require "spec.support.descriptors"
local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local strangers = require "spec.support.stranger"
local temp = require "spec.support.temp"
local wire = require "spec.support.wire"

-- A connection that closed burned a core for ever. The node is a process of its own here, and what it uses is compared with what this
-- one uses meanwhile.

local NODE = [[
  local filo = require "filo"
  local node <close> = assert(filo.node {
    root = arg[1], listen = "127.0.0.1:0", cluster = arg[2], tls = false, reserve = 0, log = function() end,
  })
  print("at " .. node.address)
  io.stdout:flush()
  node:wait()
]]

---Ticks of processor time that a process has used.
local function ticks(pid)
  local file <close> = assert(io.open(("/proc/%s/stat"):format(pid)))
  local fields = {} -- from the third on: the second may hold spaces
  for field in file:read("a"):match("%)%s(.*)$"):gmatch "%S+" do fields[#fields + 1] = field end
  return tonumber(fields[12]) + tonumber(fields[13]) -- in Lua, and in the system for it
end

---Computes until this process has used half a second more, with some turns of its loop.
local function compute()
  for _ = 1, 10 do
    local before = os.clock()
    while os.clock() - before < 0.05 do end
    runtime.sleep(0)
  end
end

local ENDS = {
  ["at once"] = function(node) return assert(filo.dial(node.address)) end,
  ["in the greeting"] = function(node) return strangers.call(node, { tls = false }) end,
  ["after it was let in"] = function(node) return strangers.meet(node, { tls = false }) end,
  ["in the middle of a frame"] = function(node)
    local stranger = strangers.meet(node, { tls = false })
    stranger.line:write(wire.message(("x"):rep(1000)):sub(1, 9))
    return stranger
  end,
}

describe("connections that were closed", function()
  it("use no processor time", function()
    local folder <close> = temp.folder()
    local child <close> = process.start { folder:write("node.lua", NODE), folder:file "root", nodes.SECRET }
    local node = { address = child:expect "at (%S+)\n" }
    for _, begin in pairs(ENDS) do
      for _ = 1, 5 do begin(node):close() end
    end
    local last <close> = strangers.meet(node, { tls = false })
    assert(last:find { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) })
    local own, before = ticks "self", ticks(child.pid)
    compute()
    local used, here = ticks(child.pid) - before, ticks "self" - own
    assert.is_true(used * 3 < here, ("the node used %d ticks while this process used %d"):format(used, here))
  end)
end)

-- Descriptors leaked with every connection.

local TIMES = 100

local function open_count()
  local count = 0
  for _ in pairs(descriptors()) do count = count + 1 end
  return count
end

---Does something a hundred times; afterwards as many descriptors are open as after the first time.
local function check(fn)
  fn(0)
  filo.sleep(0)
  local before
  nodes.wait(function()
    local count = open_count()
    if before == count then return true end
    before = count
  end, "quiet")
  for i = 1, TIMES do fn(i) end
  nodes.wait(function() return open_count() <= before end, "end of the descriptors")
end

describe("descriptors do not leak", function()
  it("by connections that come and go", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false, policy = { name = "a test", quorum = 1 } })
    a:usage() -- its catalogue is open then
    check(function() assert(filo.dial(a.address)):close() end)
    check(function() strangers.call(a, { tls = false }):close() end)
    check(function()
      local stranger <close> = strangers.meet(a, { tls = false })
      assert(stranger:find { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) })
    end)
    check(function()
      local stranger <close> = strangers.call(a, { tls = false })
      stranger:say(stranger:hello { proof = nodes.NONE })
      stranger:farewell()
    end)
  end)

  it("by nodes that connect and end, store and get", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, node in ipairs { a, b } do node:usage() end -- their catalogues are open then
    check(function()
      assert(net:start("c"):connect(a.address))
      nodes.peers(a, 2)
      net:stop "c"
      nodes.peers(a, 1)
    end)
    local content = nodes.bytes(70000)
    check(function(i)
      local key = "key " .. i % 5
      nodes.stored(a:store(key, content))
      assert(a:evict(key))
      assert.equal(content, nodes.content(a, key))
      assert.is_nil(a:get "nothing")
      assert(a:delete(key))
    end)
  end)

  it("by connecting to what is no node, or not there", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    a:usage() -- its catalogue is open then
    local listener <close> = assert(filo.listen "127.0.0.1:0")
    local serving = filo.spawn(function()
      while true do
        local connection <close> = listener:accept()
        if not connection then return end
        connection:write "HTTP/1.1 400 Bad Request\r\n\r\n"
        connection:flush()
      end
    end):observe()
    check(function() assert.is_nil(a:connect(listener:address())) end)
    check(function() assert.is_nil(a:connect "127.0.0.1:1") end)
    serving:cancel()
  end)
end)

-- What asked a peer that had just gone raised an error in the task that asked.
describe("a question to a peer whose connection is closed", function()
  it("fails as any other that goes unanswered", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local peer = inside.of(a).peer_list:get(b.id)
    net:stop "b"
    nodes.peers(a, 0)
    nodes.wait(function() return not pcall(peer.connection.stats, peer.connection) end, "end of the connection")
    local answer, err = peer:ask("find", { namespace = ("n"):rep(32), key_hash = ("k"):rep(32) })
    assert.is_nil(answer)
    assert.is_true(err.retryable)
  end)
end)
