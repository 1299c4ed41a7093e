local complete = require "filo.prompt.complete"
local nodes = require "spec.support.nodes"

local Animal = { speak = function() end, legs = 4, _secret = 1 }
Animal.__index = Animal

local globals = {
  zebra = setmetatable({ name = "z", stripes = 2 }, { __index = setmetatable({ speed = 1, stop = print }, Animal) }),
  zoo = { gate = { opens = 9, open = print }, ["not a name"] = 1 },
  text = "some text",
  file = io.stdout,
}

local function no_keys() return {}, true end

local function names(text) return select(2, complete(globals, text, no_keys)) end

local function insert(text) return (complete(globals, text, no_keys)) end

describe("completion", function()
  it("adds what all names have in common", function()
    assert.equal("bra", insert "ze")
    assert.equal("", insert "z")
    assert.same({ "zebra", "zoo" }, names "z")
    assert.equal("bra", insert "print(1 + ze")
  end)

  it("knows keywords", function()
    assert.equal("tion", insert "func")
    assert.same({ "repeat", "return" }, names "re")
  end)

  it("goes through tables", function()
    assert.equal("te", insert "zoo.ga")
    assert.same({ "open", "opens" }, names "zoo.gate.")
    assert.same({ "gate" }, names "zoo.")
    assert.same({ "speak", "speed", "stop", "stripes" }, names "zebra.s")
  end)

  it("offers methods after a colon", function()
    assert.same({ "speak", "stop" }, names "zebra:")
    assert.equal("per", insert "text:up")
    assert.equal("k", insert "file:see")
  end)

  it("knows the fields and methods of what a node gives", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local own = { node = a, peer = a:peers()[1] }
    assert.same({ "root" }, select(2, complete(own, "node.roo", no_keys)))
    assert.same({ "verify", "versions" }, select(2, complete(own, "node:v", no_keys)))
    assert.same({ "about", "address" }, select(2, complete(own, "peer.a", no_keys)))
    assert.same({}, select(2, complete(own, "peer:", no_keys)))
    assert.same({}, select(2, complete(own, "node.root.x", no_keys)))
  end)

  it("shows names that begin with _ only when they are asked for", function()
    assert.same({ "legs", "name", "speak", "speed", "stop", "stripes" }, names "zebra.")
    assert.equal("ecret", insert "zebra._s")
  end)

  it("has nothing where there is nothing to know", function()
    for _, text in ipairs { "", "1 + ", "unknown.", "zoo.none.x", "f().na", "zoo..", "'ze", '"a\\"ze', "-- ze", "x:y.z" } do
      local inserted, found = complete(globals, text, no_keys)
      assert.equal("", inserted)
      assert.same({}, found)
    end
  end)

  it("does not look at what is too long to have been typed", function()
    assert.equal("", insert(("x"):rep(1 << 20) .. " pri"))
  end)

  it("is not led around in circles, and calls nothing", function()
    local circle = {}
    setmetatable(circle, { __index = circle })
    local calling = setmetatable({}, { __index = error, __pairs = error })
    local own = { circle = circle, calling = calling }
    assert.same({ "", {} }, { complete(own, "circle.x", no_keys) })
    assert.same({ "", {} }, { complete(own, "calling.x", no_keys) })
  end)
end)

---A box that has some keys, all of them known or not.
local function box_of(keys, all)
  local box = { get = function() end }
  local own = { box = box, nested = { box = box } }
  local function find(object, method, prefix)
    local found = {}
    for _, key in ipairs(keys) do
      if object == box and method == "get" and key:sub(1, #prefix) == prefix then found[#found + 1] = key end
    end
    return found, all
  end
  return function(text) return complete(own, text, find) end
end

describe("completion of keys", function()
  local of = box_of({ "photos/a.jpg", "photos/b.jpg", "notes", "éa", "èa", 'say "hi"', "back\\slash", "bell\7", "raw\xff" }, true)

  it("adds what all have in common, and ends the string after the only one", function()
    assert.same({ "tos/", { "photos/a.jpg", "photos/b.jpg" } }, { of 'box:get "pho' })
    assert.same({ "", { "photos/a.jpg", "photos/b.jpg" } }, { of "box:get('photos/" })
    assert.same({ ".jpg'", { "photos/a.jpg" } }, { of "print(nested.box:get ( 'photos/a" })
    assert.equal(9, #select(2, of 'box:get "'))
  end)

  it("does not cut characters", function()
    assert.same({ 'a"', { "éa" } }, { of 'box:get "é' })
    local both = box_of({ "éa", "èa" }, true)
    assert.same({ "", { "éa", "èa" } }, { both 'box:get "' })
  end)

  it("writes them as a string must be written, and reads them so", function()
    assert.equal([[ \"hi\""]], (of 'box:get "say'))
    assert.equal([[ "hi"']], (of "box:get 'say"))
    assert.equal([[hi\""]], (of [[box:get "say \"]]))
    assert.equal([[\\slash"]], (of 'box:get "back'))
    assert.equal([[\007"]], (of 'box:get "bell'))
    assert.equal([[\xff"]], (of 'box:get "raw'))
  end)

  it("adds nothing when it does not know all, and says so", function()
    local some = box_of({ "photos/a", "photos/b" }, false)
    assert.same({ "", { "photos/a", "photos/b", "..." } }, { some 'box:get "p' })
  end)

  it("is for a method's first argument", function()
    for _, text in ipairs { 'box.get("p', 'box:get("a", "p', 'box:put "p', 'none:get "p', '"p', 'box:get "notes" "', [[box:get "p\]] } do
      assert.same({ "", {} }, { of(text) })
    end
  end)
end)
