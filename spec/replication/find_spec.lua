---Asking the peers who has an object.

local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

-- get slept, then waited for each peer in turn, and a peer that had nothing never answered: it waited for ever.

---Seconds: less than a node waits for a peer that does not answer.
local DEADLINE = 10

describe("get of what nobody has", function()
  for _, count in ipairs { 1, 2, 5 } do
    it(("says so as soon as all have said so: %d nodes"):format(count), function()
      local net <close> = nodes.net()
      local a = net:cluster(count)
      assert(filo.timeout(DEADLINE, function()
        for i = 1, 50 do
          local object, err = a:get("nothing " .. i)
          assert.is_nil(object)
          assert.equal("not_found", err.code)
          assert.equal(("nothing %d"):format(i), err.key)
          assert.matches(count == 1 and "is not here, and no peers are connected to ask$"
            or count == 2 and "is not here, and the one peer that was asked does not have it$"
            or ("is not here, and none of %d peers has it$"):format(count - 1), tostring(err))
          assert.is_false(a:has("nothing " .. i))
        end
        return true
      end))
    end)
  end

  it("asks all at once: one that is slow to answer does not keep what another has", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    assert(a:store("key", "content"))
    for _, node in ipairs { b, c } do
      local find = inside.of(node).peer_list.requests.handlers.find
      local first = node == b
      inside.of(node).peer_list:handle("find", function(...)
        if first then filo.sleep(DEADLINE) end
        return find(...)
      end)
    end
    nodes.drop(a, "key")
    assert.equal("content", filo.timeout(DEADLINE / 2, nodes.content, a, "key"))
  end)
end)

-- A peer whose answer came late was not heard: an old copy that another gave first came back for good, though the late one held a
-- deletion or a newer version.

---Two peers: b, which was away, has the first version; c has what came later, and answers when it is told to.
local function with_late_peer(change, check)
  local net <close> = nodes.net()
  local a, b, c = net:cluster(3)
  assert(a:store("key", "old"))
  local store = inside.of(b).peer_list.requests.handlers.store
  inside.of(b).peer_list:handle("store", function() return nil, filo.error("denied", "away") end)
  change(a)
  inside.of(b).peer_list:handle("store", store)
  assert(os.remove(nodes.place(a, a, "key"))) -- a has lost its disk
  local find, go = inside.of(c).peer_list.requests.handlers.find, filo.channel()
  inside.of(c).peer_list:handle("find", function(...)
    go:receive()
    return find(...)
  end)
  assert.equal("old", nodes.content(a, "key"))
  go:send(true)
  inside.of(c).peer_list:handle("find", find)
  check(a)
  assert.is_truthy(b)
end

describe("a peer that answers late", function()
  it("brings its deletion", function()
    with_late_peer(function(a) assert(a:delete "key") end, function(a)
      nodes.wait(function()
        local _, err = nodes.content(a, "key")
        return tostring(err) == "'key' was deleted"
      end, "deletion")
    end)
  end)

  it("brings its newer version", function()
    with_late_peer(function(a) a:store("key", "new") end, function(a)
      nodes.wait(function() return nodes.content(a, "key") == "new" end, "newer version")
    end)
  end)
end)

-- A get failed when the only holder that had answered at once turned out to be bad, though another that answered a little later had a
-- good copy.

---Calls fn(a, content, go) with b, whose copy is bad, and c, which answers what it has once go() is called.
local function with_late_holder(fn)
  local net <close> = nodes.net()
  local a, b, c = net:cluster(3)
  local content = nodes.bytes(5 << 20)
  assert(a:store("key", content))
  nodes.flip(nodes.place(a, b, "key"), 5000)
  local find, go = inside.of(c).peer_list.requests.handlers.find, filo.channel(1)
  inside.of(c).peer_list:handle("find", function(...)
    go:receive()
    return find(...)
  end)
  fn(a, content, function() go:send(true) end, net)
end

describe("a holder that answers late", function()
  it("is asked when those that were quick are bad", function()
    with_late_holder(function(a, content, go, net)
      nodes.drop(a, "key")
      local getting = filo.spawn(nodes.content, a, "key")
      net:expect "gave a bad copy"
      go()
      local got, err = getting:join(20)
      assert.is_true(got == content, tostring(err))
    end)
  end)

  it("also heals a copy here that has rotted", function()
    with_late_holder(function(a, content, go, net)
      nodes.flip(nodes.place(a, a, "key"), 6000)
      local getting = filo.spawn(nodes.content, a, "key")
      net:expect "gave a bad copy"
      go()
      local got, err = getting:join(20)
      assert.is_true(got == content, tostring(err))
    end)
  end)

  it("is not waited for when it goes", function()
    with_late_holder(function(a, _, _, net)
      nodes.drop(a, "key")
      local getting = filo.spawn(nodes.content, a, "key")
      net:expect "gave a bad copy"
      net:stop "c"
      local got, err = getting:join(20)
      assert.is_nil(got)
      assert.is_truthy(err.code)
    end)
  end)
end)

-- Each holder sent the content of a small object: with five of them four times too much.
describe("a get from peers", function()
  ---Of which nodes the content is asked for with the question, and of how many all are asked.
  local function watch(list)
    local seen = { all = 0, content = {} }
    for _, node in ipairs(list) do
      local requests = inside.of(node).peer_list.requests
      local usual = requests.handlers.find
      inside.of(node).peer_list:handle("find", function(body, peer)
        seen.all = seen.all + 1
        if not body.without_content then table.insert(seen.content, node.id) end
        return usual(body, peer)
      end)
    end
    return seen
  end

  it("asks all what they have, and two for the content, first of all who should have it", simulated(function(net)
    local policy = require("filo").policy.copies(2)
    local a, b, c, d, e = net:cluster(5, { policy = policy })
    for i = 1, 5 do
      local holder = assert(a:store("key", nodes.bytes(100, i))).copies[2]
      assert(a:evict "key")
      local seen = watch { b, c, d, e }
      assert.equal(nodes.bytes(100, i), nodes.content(a, "key"))
      assert.is_true(seen.all >= 4)
      assert.equal(2, #seen.content)
      assert.is_true(seen.content[1] == holder or seen.content[2] == holder)
      nodes.kept(a, "key")
    end
  end))
end)

-- Who should have a copy was read past the end of the members that there are, when one was away for which no other takes the place: the
-- call raised an error.
describe("what is looked for while a member is away for long", function()
  it("is found at those that are there", simulated(function(net, host)
    local a = net:cluster(5)
    nodes.stored(a:store("key", nodes.bytes(20000)))
    net:stop "e"
    host.sleep(1000)
    nodes.drop(a, "key")
    assert.equal(20000, #nodes.content(a, "key"))
  end))
end)
