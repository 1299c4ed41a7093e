-- Key and ID were made anew at each start, so that nothing stored before could be read, or found at peers, afterwards.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"

local STORE = [[
  local filo = require "filo"
  local node <close> = assert(filo.node { root = arg[1], bootstrap = { arg[2] }, cluster = arg[3], reserve = 0, log = function() end })
  node:ready()
  assert(node:store("small", "a small one", { fields = { kept = true } }))
  assert(node:store("large", ("large "):rep(500000)))
  print(node.id)
]]

local READ = [[
  local filo = require "filo"
  local node <close> = assert(filo.node { root = arg[1], bootstrap = { arg[2] }, cluster = arg[3], reserve = 0, log = function() end })
  node:ready()
  print(node.id)
  for _, from in ipairs { "here", "peers" } do
    local small, large = assert(node:get "small"), assert(node:get "large")
    assert(small:read "a" == "a small one" and small.fields.kept)
    assert(large:read "a" == ("large "):rep(500000))
    assert(small.from == from and large.from == from, small.from)
    if from == "here" then assert(node:evict "small" and node:evict "large") end
  end
]]

describe("a node that starts again on its root", function()
  it("is the same node, and reads what it stored, from here and from peers", function()
    local net <close> = nodes.net()
    local keeper = net:start "keeper"
    local function run(code)
      local result = process.run { net.folder:write("script.lua", code), net.folder:file "root", keeper.address, nodes.SECRET }
      assert.equal("", result.err)
      return result.out
    end
    local id = run(STORE)
    assert.matches("^%x+\n$", id)
    assert.equal(id, run(READ))
    keeper = net:restart "keeper"
    assert.equal(id, run(READ))
    assert.equal(keeper.id, assert(filo.crypto.identity_load(keeper.root .. "/identity")):id())
  end)
end)
