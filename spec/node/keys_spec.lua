---A list of keys that goes on after one of them.

local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

local function keys_of(node, ...)
  local list = {}
  for item in node:keys(...) do list[#list + 1] = item.key end
  return table.concat(list, " ")
end

local function check(node)
  assert.equal("a b/1 b/2 b/3 c", keys_of(node))
  assert.equal("b/2 b/3 c", keys_of(node, nil, nil, "b/1"))
  assert.equal("b/2 b/3", keys_of(node, "b/", nil, "b/1"))
  assert.equal("b/2 b/3", keys_of(node, "b/", nil, "b/10"))
  assert.equal("b/1 b/2 b/3", keys_of(node, "b/", nil, "a"))
  assert.equal("a b/1 b/2 b/3 c", keys_of(node, "", nil, ""))
  assert.equal("", keys_of(node, "b/", nil, "c"))
  assert.equal("", keys_of(node, "a", nil, "a"))
end

---Some of which lie at a peer only.
local function fill(net)
  local a, b = net:cluster(2)
  for _, key in ipairs { "a", "b/3", "b/1", "c", "b/2" } do assert(a:store(key, "content", { to = b.id })) end
  for _, key in ipairs { "b/2", "c" } do assert(a:evict(key)) end
  return a
end

describe("a list of keys", function()
  it("goes on after a key that is there, was there, or never was, here or at peers", function()
    local net <close> = nodes.net()
    check(fill(net))
  end)

  it("does so on simulated machines", simulated(function(net, host)
    local a = fill(net)
    host.sleep(3600) -- by then peers have listed what they have
    check(a)
  end))

  it("does so over many pages", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for i = 1, 600 do assert(a:store(("%04d"):format(i), "")) end
    local count, last = 0, "0003"
    for item in a:keys(nil, nil, last) do
      assert.is_true(item.key > last)
      count, last = count + 1, item.key
    end
    assert.same({ 597, "0600" }, { count, last })
  end)
end)
