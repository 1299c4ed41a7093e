-- A handler that raised or gave an error value whose __tostring or __index fails left its peer without an answer until the deadline; one
-- that a content function gave made store raise an error of its own; and such a prompt ended `filo -i`.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local raises = require "spec.support.raises"

local function fail() error "not to be shown" end

local VALUES = {
  setmetatable({}, { __tostring = fail }),
  setmetatable({}, { __tostring = fail, __index = fail }),
  setmetatable({ message = false }, { __tostring = function() return nil end }),
}

-- {code = ..., message = ...} from a hook arrived as "table: 0x..." or "a table that cannot be shown".
describe("a reason that is a table", function()
  it("is told by its message, or else its code", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local reason = { code = "mine", message = "because" }
    local remove = a:on("before_store", function() return false, reason end)
    assert.matches("refused: because$", tostring(select(2, a:store("key", "content"))))
    remove()
    b:on("before_accept", function() return false, reason end)
    assert.matches("refused: because", tostring(select(2, a:store("key", "content"))))
    assert.matches("because", tostring(select(2, a:store("key", function() error(reason) end))))
    assert.matches("cannot store 'key': mine$", tostring(select(2, a:store("key", function() return nil, { code = "mine" } end))))
  end)
end)

describe("an error value that cannot be shown", function()
  it("of a handler is answered, and reported", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i, value in ipairs(VALUES) do
      b:handle("raise " .. i, function() error(value) end)
      b:handle("give " .. i, function() return nil, value end)
      for topic, message in pairs { raise = "the handler failed", give = "a table that cannot be shown" } do
        local answer, err = a:request(b.id, ("%s %d"):format(topic, i), nil, 10)
        assert.is_nil(answer)
        assert.equal("io", err.code)
        assert.equal(message, tostring(err))
      end
      assert.is_truthy(net:logged(("^b error: the handler of 'raise %d' failed: a table that cannot be shown$"):format(i)))
    end
  end)

  it("of a content function is an error of store", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, value in ipairs(VALUES) do
      for how, content in pairs { gave = function() return nil, value end, failed = function() error(value) end } do
        local receipt, err = a:store("key", content)
        assert.is_nil(receipt)
        assert.equal("io", err.code, how)
        assert.matches("^cannot store 'key': .*a table that cannot be shown$", tostring(err))
      end
    end
  end)

  it("is no prompt, but does not end it either", function()
    local result = process.run { "-i", stdin = "_PROMPT = setmetatable({}, { __tostring = error })\n1\n" }
    assert.same({ status = 0, out = "1\n", err = "" }, result)
  end)

  it("is not made by filo.error", function()
    for _, misuse in ipairs { function() filo.error "code" end, function() filo.error(nil, "message") end } do
      raises("^spec/base/errors_spec.lua:%d+: error: a code and a message expected, both strings$", misuse)
    end
    assert.equal("message", tostring(filo.error("code", "message")))
  end)
end)

describe("an error of the core", function()
  it("says whether the same call may succeed in a while, as one that is made in Lua does", function()
    local net = require "filo.core.net"
    local _, cut = net.dial_raw("127.0.0.1:1", 5)
    local _, wrong = net.address "no port"
    assert.same({ "unreachable", true }, { cut.code, cut.retryable })
    assert.same({ "invalid", nil }, { wrong.code, wrong.retryable })
    for name, code in pairs(require("filo.core.runtime").error_codes()) do
      assert.equal(code.retryable or nil, filo.error(name, "a sentence").retryable)
    end
    assert.is_nil(filo.error("of_a_script", "a sentence").retryable)
  end)
end)
