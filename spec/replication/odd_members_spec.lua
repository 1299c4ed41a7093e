---Copies where members say what is not so, have wrong clocks, or bear one name; and where a policy fails for one object, or changes all the
---time.

local copies = require "spec.support.copies"
local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"

local HOUR, YEAR = 3600, 365 * 86400

local function stored(node, count)
  for i = 1, count do assert(node:store("key " .. i, nodes.bytes(1000, i))) end
end

---The number of copies that each of some objects has, where it is the same for all.
local function copies_of_all(net, owner, count)
  local least, most = math.huge, 0
  for i = 1, count do
    local n = copies(net, owner, "key " .. i)
    least, most = math.min(least, n), math.max(most, n)
  end
  return least == most and least or { least, most }
end

local function is_peer(node, id)
  for _, peer in ipairs(node:peers()) do
    if peer.id == id then return true end
  end
  return false
end

describe("a member that says that it has more room than there is in the world", function()
  it("is offered nearly all, and costs no copy of what it does not take", simulated(function(net, host)
    local options = { policy = filo.policy.copies(3) }
    local a = net:start_all("abcd", options)
    local taken = 0
    net:start("e", {
      bootstrap = { a.address }, about = { capacity = math.maxinteger }, policy = {
        name = "a liar's", accept = function()
          taken = taken + 1
          return taken <= 10, "full, in truth"
        end,
      },
    })
    host.sleep(10)
    stored(a, 30)
    host.sleep(HOUR)
    assert.is_true(taken > 25)
    assert.equal(3, copies_of_all(net, a, 30))
  end))
end)

describe("two members of one name", function()
  it("are told apart by their IDs, and none is taken for the other", simulated(function(net, host)
    local a = net:start("a", { about = { name = "a" } })
    local b = net:start("b", { bootstrap = { a.address }, about = { name = "same" } })
    local c = net:start("c", { bootstrap = { a.address }, about = { name = "same" } })
    host.sleep(10)
    local forgotten, err = a:forget "same"
    assert.is_nil(forgotten)
    assert.matches("several members 'same': give the start of an ID, of ", err.message)
    for _, node in ipairs { b, c } do assert.truthy(err.message:find(node.id:sub(1, 8), 1, true)) end
    assert(a:forget(b.id:sub(1, 16)))
    host.sleep(10)
    assert.same({ false, true }, { is_peer(a, b.id), is_peer(a, c.id) })
  end))
end)

describe("clocks that are wrong by years", function()
  for what, years in pairs { ahead = 30, behind = -30 } do
    it("lose nothing and keep nothing alive: of a member that is " .. what, simulated(function(net, host)
      local a = net:start("a", { policy = filo.policy.copies(3) })
      net:machine("b").clock_offset = years * YEAR * 1000000
      local b = net:start("b", { bootstrap = { a.address }, policy = filo.policy.copies(3) })
      net:start("c", { bootstrap = { a.address }, policy = filo.policy.copies(3) })
      net:start("d", { bootstrap = { b.address }, policy = filo.policy.copies(3) })
      host.sleep(10)
      stored(a, 10)
      assert(b:store("key 1", "of another owner"))
      host.sleep(HOUR)
      assert.equal(3, copies_of_all(net, a, 10))
      for _, member in ipairs(a:members()) do assert.is_true(member.since < 2 * HOUR) end
      for i = 1, 5 do assert(a:delete("key " .. i)) end
      assert(b:delete "key 1")
      net:machine("a").clock_offset = -years * YEAR * 1000000 -- now the owner's, too
      a = net:restart "a"
      host.sleep(HOUR)
      for i = 1, 5 do assert.equal(0, copies(net, a, "key " .. i)) end
      for i = 6, 10 do assert.equal(3, copies(net, a, "key " .. i)) end
      assert(a:store("key 6", "newer"))
      host.sleep(HOUR)
      assert.equal("newer", nodes.content(a, "key 6"))
      assert.equal(3, copies(net, a, "key 6"))
    end))
  end
end)

describe("a policy that fails for one object", function()
  it("keeps no other object from having its copies made, and is told of", simulated(function(net, host)
    local a = net:start("a", {
      policy = {
        name = "fails for 666 bytes", place = function(object, members)
          if object.size == 666 then error "no room for the beast" end
          return members
        end,
      },
    })
    stored(a, 9)
    assert.is_nil((a:store("odd", ("x"):rep(666))))
    net:start("b", { bootstrap = { a.address } })
    host.sleep(HOUR)
    assert.equal(2, copies_of_all(net, a, 9))
    assert.equal(1, copies(net, a, "odd"))
    assert.is_true(net:logged "no room for the beast" > 0)
    local looked = assert(a:repair())
    assert.equal(10, looked.objects)
  end))
end)

describe("a policy that changes every minute", function()
  it("comes to rest with what it says last, and nothing is lost on the way", simulated(function(net, host)
    local a = net:start_all("abcdef", { policy = filo.policy.copies(2) })
    host.sleep(10)
    stored(a, 20)
    local options = net:machine("a").options
    options.root, options.identity = a.root, "/identity"
    for minute = 1, 90 do
      options.policy = filo.policy.copies(minute % 2 == 0 and 2 or 4)
      assert(a:configure(options))
      host.sleep(60)
      for i = 1, 20 do assert.is_true(copies(net, a, "key " .. i) >= 2) end
    end
    host.sleep(26 * HOUR) -- what was dropped and came back stays for a day
    assert.equal(2, copies_of_all(net, a, 20))
    assert.same({ 20, 0 }, { inside.of(a).repair.report.objects, inside.of(a).repair.report.short })
  end))
end)
