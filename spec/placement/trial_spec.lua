---A policy that makes no sense is refused where it is set, with file and line; what shows only later is told of by name.

local filo = require "filo"
local in_use = require "spec.support.in_use"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"

local HERE = "trial_spec.lua:%d+: filo.node: policy 'mine': [^:]*trial_spec.lua:%d+: "

---What is told of a policy with these functions, where it is set.
local function refuses(expected, policy)
  policy.name = "mine"
  local net <close> = nodes.net()
  raises(expected, function()
    local node = filo.node { root = net.folder:file "x", policy = policy }
    return node
  end)
end

describe("a policy that is set", function()
  it("is refused when it makes no sense of some examples", function()
    for expected, place in pairs {
      ["place must return a list of members, not nil"] = function() end,
      ["place must return a list of members, not all"] = function() return "all" end,
      ["place must return a list of the members that it was given; there is 42 at 1"] = function() return { 42 } end,
      ["place must return a list of the members that it was given; there is a table at 1"] = function() return { { id = "x" } } end,
      ["place must return a list of the members that it was given; there is peer %x+ at %S+ at first"] =
        function(_, members) return { first = members[1] } end,
      ["place must return a list of members, without gaps"] = function(_, members) return { [3] = members[1] } end,
      ["place must return a number of members as its second result, not two"] = function(_, members) return members, "two" end,
      ["place must return a number of members as its second result, not %-1"] = function(_, members) return members, -1 end,
      ["place must return a text as its third result, what cannot be met, not false"] = function(_, members) return members, 1, false end,
      ["place must return a plain list, without a metatable"] = function(_, members) return setmetatable(members, {}) end,
      ["attempt to perform arithmetic on a nil value"] = function(_, members) return members, #members + nil end,
      ["no place"] = function() error("no place", 0) end,
      ["a task cannot wait here"] = function() filo.sleep(1) end,
    } do
      if expected:find "cannot wait" then
        refuses("filo.node: policy 'mine': .*cannot wait here", { place = place })
      else
        refuses(HERE .. expected, { place = place })
      end
    end
    refuses(HERE .. "quorum must return an integer, not all", { place = function(_, m) return m end, quorum = function() return "all" end })
    refuses(HERE .. "accept must return true or false, not nil", { accept = function() end })
    refuses(HERE .. "oops", { accept = function() error "oops" end })
  end)

  it("is refused when it counts on what a member need not tell", function()
    refuses(HERE .. "attempt to compare .*nil", { place = function(_, members)
      table.sort(members, function(a, b) return a.free > b.free end)
      return members
    end })
    refuses(HERE .. "attempt to concatenate a nil value %(field 'zone'%)", { place = function(_, members)
      for _, member in ipairs(members) do local _ = "zone " .. member.zone end
      return members
    end })
  end)

  it("is refused by node:configure, too, and the node goes on with the one that it had", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local options = { root = a.root, listen = a.address, policy = { name = "mine", place = function() end } }
    raises("trial_spec.lua:%d+: filo.node: policy 'mine': .*place must return a list", function()
      local later = a:configure(options)
      return later
    end)
    assert.equal(2, #assert(a:store("key", "content")).copies)
  end)

  it("is given an example as what a real one is", function()
    local net <close> = nodes.net()
    local kinds
    local function note(what, object, list)
      local names = {}
      for name in pairs(object) do names[#names + 1] = name end
      table.sort(names)
      kinds[what .. (in_use.is_example(object) and " tried" or " used")] = table.concat(names, " ") .. " " .. type(list[1] and list[1].tags)
    end
    local policy = {
      name = "mine",
      place = function(object, members)
        if members[1] then note("place", object, members) end
        return members
      end,
      accept = function(offer, peer)
        note("accept", offer, { peer })
        return true
      end,
    }
    kinds = {}
    local a = net:cluster(2, { policy = policy })
    assert(a:store("key", "content"))
    assert.equal(kinds["place tried"], kinds["place used"])
    assert.equal(kinds["accept tried"], kinds["accept used"])
  end)
end)

describe("a policy in use", function()
  it("that gives another answer each time is told of by name, and taken at its first word", function()
    local net <close> = nodes.net()
    local asked = 0
    local a = net:cluster(3, {}, { a = { policy = { name = "dice", place = in_use.place(function(_, members)
      asked = asked + 1
      return { members[asked % 2 + 1] }
    end) } } })
    assert.equal(2, #assert(a:store("key", "content")).copies)
    assert.is_truthy(net:logged "a warning: policy 'dice' gave two answers to one question: let it follow from what it is given only")
  end)

  it("that fails when it is asked again is told of, too, and loses nothing", function()
    local net <close> = nodes.net()
    local asked = 0
    local a = net:cluster(2, {}, { a = { policy = { name = "once", place = in_use.place(function(_, members)
      asked = asked + 1
      if asked == 2 then error "not again" end
      return members
    end) } } })
    assert.equal(2, #assert(a:store("key", "content")).copies)
    assert.is_truthy(net:logged "policy 'once' gave two answers to one question")
  end)

  it("that fails for one object is told of by name, and all others have their copies", function()
    local net <close> = nodes.net()
    local a = net:cluster(2, {}, { a = { policy = { name = "picky", place = function(object, members)
      if object.key == "bad" then error "not that one" end
      return members
    end } } })
    local receipt, err = a:store("bad", "content")
    assert.is_nil(receipt)
    assert.matches("^policy 'picky': place failed: .*not that one %(the object is stored here%)$", tostring(err))
    assert.equal("content", nodes.content(a, "bad"))
    assert.equal(2, #assert(a:store("good", "content")).copies)
  end)

  it("that keeps all else waiting is told of by name", function()
    local net <close> = nodes.net()
    local a = net:cluster(2, {}, { a = { policy = { name = "slow", place = in_use.place(function(_, members)
      local stop = os.clock() + 0.2
      while os.clock() < stop do end -- luacheck: ignore 542
      return members
    end) } } })
    assert.equal(2, #assert(a:store("key", "content")).copies)
    assert.is_truthy(net:logged "a warning: policy 'slow' took %d+%.%d s to place one object: all else waits meanwhile")
  end)
end)
