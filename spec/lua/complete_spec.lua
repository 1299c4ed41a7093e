local complete = require "filo.complete"

local Animal = { speak = function() end, legs = 4, _secret = 1 }
Animal.__index = Animal

local globals = {
  zebra = setmetatable({ name = "z", stripes = 2 }, { __index = setmetatable({ speed = 1, stop = print }, Animal) }),
  zoo = { gate = { opens = 9, open = print }, ["not a name"] = 1 },
  text = "some text",
  file = io.stdout,
}

local function names(text) return select(2, complete(globals, text)) end

local function insert(text) return (complete(globals, text)) end

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

  it("shows names that begin with _ only when they are asked for", function()
    assert.same({ "legs", "name", "speak", "speed", "stop", "stripes" }, names "zebra.")
    assert.equal("ecret", insert "zebra._s")
  end)

  it("has nothing where there is nothing to know", function()
    for _, text in ipairs { "", "1 + ", "unknown.", "zoo.none.x", "f().na", "zoo..", "'ze", '"a\\"ze', "-- ze", "x:y.z" } do
      local inserted, found = complete(globals, text)
      assert.equal("", inserted)
      assert.same({}, found)
    end
  end)

  it("is not led around in circles, and calls nothing", function()
    local circle = {}
    setmetatable(circle, { __index = circle })
    local calling = setmetatable({}, { __index = error, __pairs = error })
    local own = { circle = circle, calling = calling }
    assert.same({ "", {} }, { complete(own, "circle.x") })
    assert.same({ "", {} }, { complete(own, "calling.x") })
  end)
end)
