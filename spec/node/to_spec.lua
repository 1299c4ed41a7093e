local nodes = require "spec.support.nodes"
local policy = require("filo").policy
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

local BIG = (3 << 20) + 5

-- An owner could have a copy made at a certain peer by a policy only, which holds for all objects.

describe("the option to", function()
  ---Which of the nodes hold a copy of a's, as their indices.
  local function holders(a, list, key)
    local found = {}
    for i, each in ipairs(list) do
      if nodes.exists(nodes.place(a, each, key)) then found[#found + 1] = i end
    end
    return found
  end

  it("of store makes copies at these peers and no others", function()
    local net <close> = nodes.net()
    local a, b, c, d = net:cluster(4)
    local list, by_id = { b, c, d }, {}
    for _, peer in ipairs(a:peers()) do by_id[peer.id] = peer end
    for i, case in ipairs {
      { to = by_id[c.id], at = { 2 } }, { to = d.id:upper(), at = { 3 } }, { to = { b.id, by_id[d.id] }, at = { 1, 3 } },
      { to = { by_id[c.id], c.id }, at = { 2 } }, { to = {}, at = {} },
    } do
      local key = "key " .. i
      for _, size in ipairs { 100, BIG } do
        local receipt = assert(a:store(key, nodes.bytes(size), { to = case.to }))
        assert.same({ #case.at + 1, #case.at + 1, {}, {} }, { #receipt.copies, receipt.quorum, receipt.refused, receipt.unreached })
        assert.same(case.at, holders(a, list, key))
      end
    end
  end)

  it("of replicate does so with what is here, and stands above the policy", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3, { policy = policy.copies(1) })
    local version = assert(a:store("key", "content")).version
    assert.same({}, holders(a, { b, c }, "key"))
    assert.equal(version, assert(a:replicate("key", { to = c.id })).version)
    assert.same({ 2 }, holders(a, { b, c }, "key"))
    local receipt = assert(a:replicate("key", { to = { b.id, c.id } }))
    assert.same({ 3, 3 }, { receipt.quorum, #receipt.copies })
    refused("not_found", a:replicate("none", { to = c.id }))
  end)

  it("asks nobody else when one refuses: all of them are the quorum", function()
    local net <close> = nodes.net()
    local a, b, c, d = net:cluster(4)
    c:on("before_accept", function() return false, "full" end)
    assert.matches("2 of 3 copies.*full", refused("not_enough_copies", a:store("key", "content", { to = { b.id, c.id } })))
    assert.same({ 1 }, holders(a, { b, c, d }, "key"))
  end)

  it("stores nothing when one of them is not connected", simulated(function(net)
    local a, b, c = net:cluster(3)
    local peer
    for _, each in ipairs(a:peers()) do
      if each.id == c.id then peer = each end
    end
    net:stop "c"
    nodes.peers(a, 1)
    for _, to in ipairs { { b.id, c.id }, peer, { b.id, peer }, ("0"):rep(64) } do
      local _, err = a:store("key", "content", { to = to })
      assert.matches("node", refused("unreachable", nil, err))
      assert.is_false(a:has "key")
    end
    for _, to in ipairs { a.id, { a.id:upper() } } do -- it was said that this node is not connected
      local err = refused("invalid", a:store("key", "content", { to = to }))
      assert.equal(("store: option 'to': node %s is this node itself, and no peer"):format(a.id), err)
      assert.is_false(a:has "key")
    end
    nodes.stored(a:store("key", "content"))
    refused("unreachable", a:replicate("key", { to = peer }))
  end))

  it("of another kind is an error at the caller's line", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local function here(text) return "^spec/node/to_spec.lua:%d+: " .. text end
    for _, call in ipairs {
      function(to) a:store("key", "content", { to = to }) end, function(to) a:replicate("key", { to = to }) end,
    } do
      for _, to in ipairs { 5, true } do raises(here "%a+: option 'to' must be a string or table", call, to) end
      for _, to in ipairs { { id = b.id }, b:peers()[1], { b.id, x = 1 } } do
        raises(here "%a+: option 'to' must be a peer, a node ID, or a list of these", call, to)
      end
      raises(here "%a+: option 'to': a peer, or a node ID, expected", call, { b.id, 5 })
    end
    assert.is_false(a:has "key")
  end)
end)
