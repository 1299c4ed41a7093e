local inspect = require "filo.prompt.inspect"

local function with_text(text) return setmetatable({ hidden = 1 }, { __tostring = function() return text end }) end

describe("inspect", function()
  it("shows plain values as Lua has them", function()
    for _, text in ipairs { "nil", "true", "12", "-1.5", "1e+100", "inf" } do
      assert.equal(text, inspect(load("local inf = math.huge return " .. text)()))
    end
  end)

  it("quotes strings", function()
    assert.equal('"plain"', inspect "plain")
    assert.equal([["a \"b\" \\ \n\t\r é 漢"]], inspect 'a "b" \\ \n\t\r é 漢')
  end)

  it("cuts long strings between characters", function()
    assert.equal('"aaaa"... (10 bytes)', inspect(("a"):rep(10), { text = 4 }))
    assert.equal('"éé"... (10 bytes)', inspect(("é"):rep(5), { text = 5 }))
  end)

  it("shows binary strings as hex, and whatever a terminal would obey", function()
    assert.equal("<3 bytes 00ff41>", inspect "\0\xffA")
    assert.equal("<4 bytes 1b5b326a>", inspect "\27[2j")
    assert.equal("<2 bytes c29b>", inspect "\u{9b}")
    assert.equal("<100 bytes 0000...>", inspect(("\0"):rep(100), { binary = 2 }))
  end)

  it("shows tables with sorted keys, first those of the sequence", function()
    assert.equal("{}", inspect {})
    assert.equal('{ 1, 2, "x" }', inspect { 1, 2, "x" })
    local mixed = { "first", b = 1, a = 2, [10] = 3, [1.5] = 4, [true] = 5, ["end"] = 6, ["two words"] = 7 }
    assert.equal('{ "first", [1.5] = 4, [10] = 3, a = 2, b = 1, ["end"] = 6, ["two words"] = 7, [true] = 5 }',
      inspect(mixed, { width = 200 }))
  end)

  it("breaks what is too wide for a line", function()
    assert.equal('{\n  a = { 1, 2 },\n  b = "' .. ("x"):rep(20) .. '"\n}', inspect({ a = { 1, 2 }, b = ("x"):rep(20) }, { width = 20 }))
  end)

  it("keeps to its limits", function()
    assert.equal("{ 1, 2, ... 98 more }", inspect((function()
      local list = {}
      for i = 1, 100 do list[i] = i end
      return list
    end)(), { items = 2 }))
    assert.equal("{ { { ... } } }", inspect({ { { {} , 1 } } }, { depth = 2 }))
    local wide = {}
    for i = 1, 50 do wide[i] = { i, { i } } end
    local _, count = inspect(wide, { total = 20 }):gsub("%d+", "")
    assert.is_true(count < 40)
  end)

  it("names cycles, and shows what comes twice twice", function()
    local cycle = { name = "x" }
    cycle.self = cycle
    assert.equal('{ name = "x", self = <cycle> }', inspect(cycle))
    local shared = { 1 }
    assert.equal("{ { 1 }, { 1 } }", inspect { shared, shared })
  end)

  it("shows objects by their __tostring", function()
    assert.equal("a thing", inspect(with_text "a thing"))
    assert.equal("{ <a thing> }", inspect { with_text "a thing" })
    assert.equal("a?[0m", inspect(with_text "a\27[0m"))
    local failing = setmetatable({}, { __tostring = function() error "no" end })
    assert.equal("table whose __tostring fails", inspect(failing))
  end)

  it("shows functions, userdata and threads without addresses", function()
    assert.equal("<function>", inspect(print))
    assert.matches("^<function .*inspect_spec.lua:%d+>$", inspect(with_text))
    assert.equal("<thread>", inspect(coroutine.create(print)))
    assert.matches("^file %(0x%x+%)$", inspect(io.stdout))
  end)

  it("calls no other metamethods", function()
    local trap = function() error "called" end
    local value = setmetatable({ 1 }, { __index = trap, __len = trap, __pairs = trap, __eq = trap, __name = "x" })
    assert.equal("{ 1 }", inspect(value))
  end)
end)
