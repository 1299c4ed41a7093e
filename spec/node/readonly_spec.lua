local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"

describe("a node that is opened for reading only", function()
  ---Calls fn(reader, owner, net).
  local function beside(fn)
    local net <close> = nodes.net()
    local owner = net:start "owner"
    assert(owner:store("a", "first"))
    assert(owner:store("large", ("x"):rep(3 << 20)))
    local function log(_, message) table.insert(net.lines, message) end
    local reader <close> = assert(filo.node { root = owner.root, readonly = true, log = log })
    fn(reader, owner, net)
  end

  it("reads beside the owner what is there, and what comes", function()
    beside(function(reader, owner)
      assert.equal(owner.id, reader.id)
      assert.equal("first", assert(reader:get "a"):read "a")
      assert(owner:store("a", "second"))
      assert.equal("second", assert(reader:get "a"):read "a")
      local keys = {}
      for item in reader:list() do keys[item.key] = item.size end
      assert.same({ a = 6, large = 3 << 20 }, keys)
      local place = nodes.place(owner, owner, "large")
      assert(os.execute("touch -d 2030-01-01 '" .. place .. "'"))
      assert.is_true(reader:verify "large")
      assert.is_nil(owner:copies("large")[1].verified) -- it is for the owner to note
      assert.is_true(owner:verify "large")
      assert.is_truthy(owner:copies("large")[1].verified)
      assert(owner:delete "a")
      refused("not_found", reader:get "a")
      reader:close()
      assert(owner:store("b", "the owner goes on"))
    end)
  end)

  it("changes nothing", function()
    beside(function(reader, owner, net)
      for _, call in ipairs {
        function() return reader:store("b", "new") end, function() return reader:store("b", ("new"):rep(1 << 20)) end,
        function() return reader:delete "a" end, function() return reader:evict "a" end,
      } do
        assert.matches("open for reading only", refused("denied", call()))
      end
      nodes.flip(nodes.place(owner, owner, "large"), 5000)
      refused("corrupt", reader:verify "large")
      assert.matches("a copy here is bad: ", table.concat(net.lines, "\n"))
      assert.is_true(nodes.exists(nodes.place(owner, owner, "large"))) -- it is for the owner to set it aside
      refused("corrupt", owner:verify "large")
    end)
  end)

  it("needs the root of a node, and makes none", function()
    local net <close> = nodes.net()
    local root = net.folder:file "none"
    assert.matches("no node at", refused("not_found", filo.node { root = root, readonly = true }))
    assert.is_nil(io.open(root))
    raises("goes without 'listen'", function() filo.node { root = root, readonly = true, listen = "127.0.0.1:0" } end)
  end)

  it("also works when the owner is another process, or none", function()
    local net <close> = nodes.net()
    local script = "local n = assert(require 'filo'.node { root = arg[1], durability = 'none' }) n:store('k', 'v') print 'up' n:wait()"
    net.folder:write("owner.lua", script)
    local child <close> = process.start { net.folder:file "owner.lua", net.folder:file "root" }
    child:expect "up"
    local function read()
      local reader <close> = assert(filo.node { root = net.folder:file "root", readonly = true })
      return assert(reader:get "k"):read "a"
    end
    assert.equal("v", read())
    child:kill "KILL"
    child:wait()
    assert.equal("v", read())
  end)
end)
