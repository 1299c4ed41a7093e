-- Policies that waited stopped a store for ever, those that wrote to their peers broke the node, and some wrong answers counted as none.

local filo = require "filo"
local in_use = require "spec.support.in_use"
local nodes = require "spec.support.nodes"

---Stores with a policy, at one peer.
local function store(policy, accept)
  local net <close> = nodes.net()
  local mine = { name = "a test" }
  for field, value in pairs(policy or {}) do mine[field] = value end
  local a, b = net:cluster(2, nil, { a = { policy = mine }, b = { policy = { name = "a test", accept = accept } } })
  local receipt, err = filo.timeout(10, a.store, a, "key", "content")
  return receipt and #receipt.copies, err and tostring(err), net, { #a:peers(), #b:peers() }
end

describe("a policy", function()
  it("that waits fails, and says so", function()
    local function wait() filo.sleep(60) end
    for name, policy in pairs { place = { place = in_use.place(wait) }, quorum = { quorum = in_use.quorum(wait) } } do
      local copies, err = store(policy)
      assert.is_nil(copies)
      assert.matches(name .. " failed: .*cannot wait here", err)
    end
    local copies, err, net = store(nil, in_use.accept(wait))
    assert.is_nil(copies)
    assert.matches("the policy failed", err)
    assert.is_truthy(net:logged "accept failed: .*cannot wait here")
  end)

  it("that gives no list of members fails", function()
    for _, place in ipairs {
      function(_, peers) return peers[1] end,
      function(_, peers) return { nil, peers[1] } end,
      function(_, peers) return { first = peers[1] } end,
      function() return { {} } end,
      function() end,
    } do
      local copies, err = store { place = in_use.place(place) }
      assert.is_nil(copies)
      assert.matches("place must return a list of members", err)
    end
  end)

  it("that fails in any way gives an error", function()
    for _, place in ipairs {
      function() return setmetatable({}, { __index = function() error "boom" end }) end,
      function() error(setmetatable({}, { __tostring = function() error "boom" end })) end,
      function() error(nil) end,
    } do
      local copies, err = store { place = in_use.place(place) }
      assert.is_nil(copies)
      assert.matches("place failed: ", err)
    end
    local reason = setmetatable({}, { __tostring = function() error "boom" end })
    local _, err = store(nil, function() return false, reason end)
    assert.matches("refused: a table that cannot be shown", err)
  end)

  it("that asks for more copies than there are peers has not got them", function()
    local copies, err = store { place = function(_, peers) return peers, 5 end }
    assert.is_nil(copies)
    assert.matches("2 of 6 copies", err)
  end)

  it("cannot change peers, nor the object", function()
    local function spoil(object, peer)
      object.size, object.key, object.key_hash, object.namespace, object.version = nil, nil, nil, nil, nil
      for name in pairs(peer) do
        if name ~= "id" then peer[name] = nil end
      end
    end
    local copies, err, _, peers = store({
      place = function(object, list)
        spoil(object, list[1] or {})
        if list[1] then list[1].host = "here" end
        return list
      end,
      quorum = function(object, list)
        spoil(object, list[1] or {})
        return 2
      end,
    }, function(offer, peer, usage)
      spoil(offer, peer)
      peer.id, usage.free = nil, nil
      return true
    end)
    assert.is_nil(err)
    assert.equal(2, copies)
    assert.same({ 1, 1 }, peers)
  end)
end)

describe("other functions that only decide", function()
  it("fail when they wait", function()
    local net <close> = nodes.net()
    local function wait() filo.sleep(60) end
    local a = net:start("a", { admit = wait })
    local b = net:start "b"
    assert.is_nil((b:connect(a.address)))
    assert.is_truthy(net:logged "a error: the admit function failed: .*cannot wait here")
  end)

  it("fail when they wait, and a log function, too", function()
    local net <close> = nodes.net()
    local logged
    local a = net:start("a", { log = function() logged = pcall(filo.sleep, 60) end })
    a:on("before_store", function() error "oops" end)
    local ok, err = filo.timeout(10, a.store, a, "key", "content")
    assert.is_nil(ok)
    assert.equal("denied", err.code)
    assert.is_false(logged)
  end)
end)
