local filo = require "filo"
local inside = require "filo.base.inside"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local simulated = require "spec.support.simulated"

---A rate at which nothing large comes to its end while a test runs.
local CRAWL = 4096
local BIG = 3 << 20

---Gives a node of a net other rates while it runs.
local function bound(net, name, rates)
  local options = {}
  for option, value in pairs(net.options[name]) do options[option] = value end
  options.rates = rates
  net.options[name].rates = rates
  assert.same({}, net.nodes[name]:configure(options))
end

---Stores something in the background.
local function storing(node, key, size)
  return filo.spawn(node.store, node, key, nodes.bytes(size)):observe()
end

---Waits until something moves.
local function moves(node, what)
  return nodes.wait(function()
    for _, each in ipairs(node:activity()) do
      if each.what == what and each.bytes > 0 then return each end
    end
  end, what)
end

describe("the rate of a node", function()
  for _, case in ipairs { { "a", "up" }, { "b", "down" } } do
    local name, way = table.unpack(case)

    it(("holds up copies that go %s, and nothing else, until it is lifted"):format(way), function()
      local net <close> = nodes.net()
      local a, b = net:cluster(2, nil, { [name] = { rates = { [way] = CRAWL } } })
      b:handle("echo", function(body) return body end)
      local task = storing(a, "key", BIG)
      moves(a, "copy")
      for i = 1, 20 do assert.equal(i, assert(a:request(b:peers()[1] and b.id, "echo", i, 60))) end
      assert(a:delete "nothing" == nil)
      assert.equal("waiting", task:status())
      assert.is_true(moves(a, "copy").bytes < BIG // 2)
      bound(net, name, nil)
      assert.equal(2, #assert(select(2, true, task:join())).copies)
    end)
  end

  it("holds for what is under way, once it is set", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, { rates = { up = "1 MiB" } })
    local task = storing(a, "key", 8 * BIG)
    moves(a, "copy")
    bound(net, "a", { up = CRAWL })
    local before = moves(a, "copy").bytes
    assert.is_true(before < 8 * BIG)
    assert.equal("waiting", task:status())
    net:stop "b"
    assert.is_nil((task:join()))
    assert.is_not_nil(b)
  end)

  it("is no reason to give a peer up, be it the own one or the peer's", function()
    local _ <close> = limits { send_stall = 0.2, stall = 0.2, last_stall = 0.4 }
    for _, rates in ipairs { { a = { up = 150000 } }, { b = { down = 150000 } } } do
      local net <close> = nodes.net()
      local a, b = net:cluster(2, nil, { a = { rates = rates.a }, b = { rates = rates.b } })
      local receipt = assert(a:store("key", nodes.bytes(200000)))
      assert.same({ a.id, b.id }, receipt.copies)
    end
    for _, rates in ipairs { { a = { down = 150000 } }, { b = { up = 150000 } } } do
      local net <close> = nodes.net()
      local a, b = net:cluster(2, nil, { a = { rates = rates.a }, b = { rates = rates.b } })
      assert(a:store("key", nodes.bytes(200000)))
      nodes.drop(a, "key")
      assert.equal(200000, #assert(nodes.content(a, "key")))
      assert.is_not_nil(b)
    end
  end)

  it("is kept to by small objects, too", function()
    for _, case in ipairs { { "a", "up" }, { "b", "down" } } do
      local net <close> = nodes.net()
      local a, b = net:cluster(2, nil, { [case[1]] = { rates = { [case[2]] = 128 << 10 } } })
      local since, tasks = filo.now(), {}
      for i = 1, 8 do tasks[i] = storing(a, "key " .. i, 8 << 10) end
      for _, task in ipairs(tasks) do assert.equal(2, #assert(select(2, true, task:join())).copies) end
      assert.is_true(64 << 10 <= (128 << 10) * (filo.now() - since + 0.1) + 16384)
      nodes.drop(a, "key 1")
      assert.equal(nodes.bytes(8 << 10), nodes.content(a, "key 1"))
      assert.is_not_nil(b)
    end
  end)

  -- Whoever asked a peer that had gone meanwhile raised an error, at the connection that was looked at.
  it("is no matter of a peer that has gone", function()
    for _, rates in ipairs { { up = CRAWL }, {} } do
      local net <close> = nodes.net()
      local a, b = net:cluster(2, { rates = rates })
      local peer = inside.of(a).peer_list:get(b.id)
      net:stop "b"
      nodes.peers(a, 0)
      nodes.wait(function() return not pcall(peer.connection.stats, peer.connection) end, "end of the connection")
      local answer, err = peer:ask("ping", {})
      assert.is_nil(answer)
      assert.is_not_nil(err.code)
    end
  end)

  it("may be a function of the time of day, which is asked each minute", simulated(function(net, host)
    local asked, up = {}, "1 MB"
    local a, b = net:cluster(2, nil, { a = { rates = function(now)
      asked[#asked + 1] = now
      return { up = up }
    end } })
    local rates = inside.of(a).rates
    assert.same({ up = 1000000 }, rates.now)
    assert.same({ up = 1000000 }, inside.of(b).peer_list:get(a.id).pace)
    up = "2 KiB"
    host.sleep(61)
    assert.same({ up = 2048 }, rates.now)
    assert.same({ up = 2048 }, inside.of(b).peer_list:get(a.id).pace)
    local last = asked[#asked]
    local date = os.date("*t", net:machine("a"):microseconds() // 1000000)
    assert.same({ date.year, date.month, date.day, date.hour, date.min }, { last.year, last.month, last.day, last.hour, last.minute })
    assert.is_true(last.weekday >= 1 and last.weekday <= 7)
    up = "nonsense"
    host.sleep(300)
    assert.same({ up = 2048 }, rates.now)
    assert.equal(1, net:logged "^a error: rates stay what they were: 'up' must be a number of bytes")
    up = nil
    host.sleep(60)
    assert.same({}, rates.now)
    assert.same({}, inside.of(b).peer_list:get(a.id).pace)
    local count = #asked
    net:machine("a").options.rates = { down = 5000 }
    net.world:configure(net:machine "a")
    host.sleep(300)
    assert.same({ count, { down = 5000 } }, { #asked, rates.now })
  end))

  it("stands in node.lua as something that makes sense", function()
    local net <close> = nodes.net()
    local function wrong(message, rates)
      raises("filo.node: option 'rates': " .. message, function() net:try("a", { rates = rates }) end)
    end
    wrong("'up' must be a number of bytes, or a text such as \"100 GB\", not 'fast'", { up = "fast" })
    wrong("must be 1024 bytes a second or more: leave out what is not to be bounded", { down = 0 })
    wrong("unknown field 'upp'; known are: down, up", { upp = 5000 })
    wrong("must be a table such as { up = \"1 MB\" }, not a number", function() return 5 end)
    wrong("spec/node/rates_spec.lua:%d+: attempt to call a nil value", function() nothing() end) -- luacheck: ignore
    wrong(".*: cannot wait here", function() filo.sleep(1) end)
  end)
end)
