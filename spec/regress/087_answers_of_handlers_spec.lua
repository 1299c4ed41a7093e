-- A handler's answer of nothing arrived as an empty table, and its error that was a plain table with code and message as "table: 0x...".

local nodes = require "spec.support.nodes"

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
      { { code = "mine" }, "mine", "^table: " }, { { code = "no code", message = 5 }, "io", "^table: " },
    } do
      given = case[1]
      local answer, err = a:request(b.id, "fail")
      assert.is_nil(answer)
      assert.equal(case[2], err.code)
      assert.matches(case[3], tostring(err))
    end
  end)
end)
