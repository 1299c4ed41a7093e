---What handlers give, and what of it arrives.

local filo = require "filo"
local nodes = require "spec.support.nodes"

-- An answer of more than 1 MiB was dropped, and the peer waited for it until its deadline; an error with an odd code cut the connection.
describe("an answer", function()
  it("that cannot be sent is replaced by an error, and reported", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local answers = {
      big = function() return ("x"):rep(1 << 20) end,
      fn = function() return { print } end,
      cycle = function()
        local t = {}
        t.t = t
        return t
      end,
    }
    for topic, fn in pairs(answers) do b:handle(topic, fn) end
    for topic in pairs(answers) do
      local answer, err = a:request(b.id, topic, nil, 5)
      assert.is_nil(answer)
      assert.not_equal("timeout", err.code)
      assert.matches("the answer cannot be sent", tostring(err))
      assert.equal(b.id, err.peer)
      assert.is_truthy(net:logged("b error: the answer to '" .. topic .. "' cannot be sent"))
    end
    assert.equal(1, #a:peers())
  end)

  it("may be an error of any kind", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local given
    b:handle("topic", function() return nil, given end)
    for _, case in ipairs {
      { "a text", "io", "a text" }, { 5, "io", "5" }, { true, "io", "true" },
      { filo.error("mine", "my own"), "mine", "my own" }, { filo.error("busy", "later"), "busy", "later" },
      { filo.error(("x"):rep(100), "long code"), "io", "long code" }, { filo.error("Two Words", "spaces"), "io", "spaces" },
      { { code = 5, message = 7 }, "io", "a table that cannot be shown" }, { {}, "io", "a table that cannot be shown" },
      { filo.error("io", ("ü"):rep(2000)), "io", "^üü" }, { filo.error("cancelled", "not here"), "closed", "not here" },
    } do
      given = case[1]
      local answer, err = a:request(b.id, "topic", nil, 5)
      assert.is_nil(answer)
      assert.same({ case[2], b.id }, { err.code, err.peer })
      assert.matches(case[3], tostring(err))
    end
    assert.equal(1, #a:peers())
  end)
end)

-- A handler's answer of nothing arrived as an empty table, and its error that was a plain table with code and message as "table: 0x...".
describe("what a handler gives", function()
  it("may be nothing, and arrives as that", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle("echo", function(body) return body end)
    b:handle("nothing", function() end)
    for _, topic in ipairs { "echo", "nothing" } do
      assert.same({}, { a:request(b.id, topic) })
      assert.same({ [b.id] = {} }, a:broadcast(topic))
    end
    assert.same({}, (a:request(b.id, "echo", {})))
  end)

  it("as an answer may be followed by something, as string.gsub does", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle("gsub", function(body) return body:gsub("a", "b") end)
    assert.equal("bbb", a:request(b.id, "gsub", "aaa"))
  end)

  it("as an error may be a plain table with a code and a message", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local given
    b:handle("fail", function() return nil, given end)
    for _, case in ipairs {
      { { code = "mine", message = "my own" }, "mine", "^my own$" }, { { message = "only this" }, "io", "^only this$" },
      { { code = "mine" }, "mine", "^mine$" },
      { { code = "no code", message = 5 }, "io", "^a table that cannot be shown" },
    } do
      given = case[1]
      local answer, err = a:request(b.id, "fail")
      assert.is_nil(answer)
      assert.equal(case[2], err.code)
      assert.matches(case[3], tostring(err))
    end
  end)
end)
