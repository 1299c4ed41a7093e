-- Wrong arguments raised errors in the middle of Filo, or later, in a task of the node, instead of at the line of the script.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"

local function here(text) return "^spec/node/misuse_spec.lua:%d+: " .. text end

describe("a wrong argument", function()
  it("is an error at the caller's line", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local object <close> = assert(a:get "key")
    for _, case in ipairs {
      { function() a:connect() end, "connect: an address such as \"127.0.0.1:3000\", or" },
      { function() a:connect(5) end, "connect: an address" },
      { function() a:ready "soon" end, "ready: seconds expected, a number of 0 or more" },
      { function() a:ready(1, "all") end, "ready: a number of peers expected, 0 or more" },
      { function() a:ready(1, -1) end, "ready: a number of peers expected, 0 or more" },
      { function() a:request({}, "topic") end, "request: a peer, or a node ID, expected" },
      { function() a:request(nil, "topic") end, "request: a peer, or a node ID, expected" },
      { function() a:request(b:peers()[1], "topic") end, "request: a peer, or a node ID, expected" },
      { function() a:request(b.id, "topic", nil, "x") end, "request: seconds expected" },
      { function() a:request(b.id, "topic", nil, -1) end, "request: seconds expected" },
      { function() a:request(b.id, "topic", print) end, "request: the body cannot be sent: " },
      { function() a:request(b.id, "find", {}) end, "the topic 'find' is Filo's own" },
      { function() a:request(b.id, "", {}) end, "a topic must be a string of 1 to 64 bytes" },
      { function() a:broadcast("topic", { [{}] = 1 }) end, "broadcast: the body cannot be sent: " },
      { function() a:broadcast("topic", nil, {}) end, "broadcast: seconds expected" },
      { function() a:handle("topic", 5) end, "handle: a function expected" },
      { function() a:handle("ping", print) end, "the topic 'ping' is Filo's own" },
      { function() a:on("stored", 5) end, "on: a function expected" },
      { function() a:on("stored", print, "high") end, "on: a priority must be a number" },
      { function() a:on("store", print) end, "no hook 'store'; known are: accepted, before_accept" },
      { function() a:list(5) end, "list: a prefix must be a string" },
      { function() a:keys(nil, nil, 5) end, "keys: a key must be a string" },
      { function() a:evict() end, "a key must be a string, not a nil" },
      { function() a:delete {} end, "a key must be a string, not a table" },
      { function() a:verify(5) end, "a key must be a string, not a number" },
      { function() a:has(true) end, "a key must be a string, not a boolean" },
      { function() object:save() end, "save: a path expected" },
      { function() object:read(0) end, "read: a number of bytes" },
      { function() object:range("x", 1) end, "range: an offset and a count" },
    } do raises(here(case[2]), case[1]) end
    assert.equal(1, #a:peers())
  end)

  it("to filo.node is one, too", function()
    local net <close> = nodes.net()
    local function make(options)
      options.root = net.folder:file "x"
      return function()
        local node = filo.node(options)
        return node
      end
    end
    raises(here "filo.node: option 'about' cannot be sent to peers: ", make { about = { fn = print } })
    raises(here "filo.node: option 'about' must have at most 2048 bytes when it is encoded", make { about = { text = ("x"):rep(3000) } })
    raises(here "filo.node: option 'bootstrap': an address such as", make { bootstrap = { 5 } })
    raises(here "filo.node: option 'bootstrap': .*nonsense", make { bootstrap = { "127.0.0.1:1", "nonsense" } })
    raises(here "filo.node: option 'peers' must list node IDs", make { peers = { "abc" } })
    assert.is_false(nodes.exists(net.folder:file "x"))
  end)

  it("in the option path of filo.node is one, too", function()
    local net <close> = nodes.net()
    local function make(path)
      return function()
        local node = filo.node { root = net.folder:file "x", path = path }
        return node
      end
    end
    raises(here "filo.node: path: option 'digest' must be md5, sha1, sha256 or blake3", make { digest = "x" })
    raises(here "filo.node: path: option 'width' must be 0 or more", make { width = -1 })
    raises(here "filo.node: option 'path': path width 0 is not within", make { width = 0 })
    raises(here "filo.node: option 'path': path depth 1000 is not within", make { depth = 1000 })
    assert.is_false(nodes.exists(net.folder:file "x"))
  end)
end)
