---U+0080 to U+009F, which terminals obey as they do escape sequences, were shown as they are: in keys, in the log and in errors.

local commands = require "spec.support.commands"
local format = require "filo.base.format"

local CSI = "\u{9b}" -- what ESC [ is in one character

describe("control characters of eight bits", function()
  it("are shown, not sent", function()
    assert.equal("a\\xc2\\x9b2Jé", format.printable("a" .. CSI .. "2Jé"))
    assert.equal("\\xc2\\x80 \\xc2\\x9f \u{a0}", format.printable "\u{80} \u{9f} \u{a0}")
  end)

  it("do not come out of commands and the log", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    local child = house:serve "a"
    house:feed("content", "a", "put", "-", "-k", "k" .. CSI .. "2J")
    child:expect "stored 'k\\xc2\\x9b2J'"
    for _, what in ipairs { { "ls" }, { "get", "no" .. CSI .. "\27[2J" } } do
      local result = house:run("a", table.unpack(what))
      assert.is_nil((result.out .. result.err):find(CSI, 1, true))
      assert.is_nil((result.out .. result.err):find("\27", 1, true))
      assert.matches("x9b", result.out .. result.err)
    end
  end)
end)

describe("a number of things", function()
  it("is said as people say it", function()
    assert.equal("1 copy", format.count(1, "copy", "copies"))
    assert.equal("0 copies", format.count(0, "copy", "copies"))
    assert.equal("1 hour", format.count(1.0, "hour", "hours"))
    assert.equal("0.5 hours", format.count(0.5, "hour", "hours"))
    assert.equal("12,345,678 bytes", format.count(12345678, "byte", "bytes"))
    assert.equal("123", format.number(123))
  end)
end)

-- A store that 850 peers refused failed with 850 reasons in one line.
describe("texts of which there are many", function()
  it("are told once each, and the first few of them", function()
    local texts = {}
    for i = 1, 850 do texts[i] = "there is no room for it" end
    assert.equal("there is no room for it (850 times)", format.several(texts, "; "))
    for i = 1, 1200 do texts[i] = "reason " .. i % 1100 end
    assert.equal("reason 1 (2 times); reason 2 (2 times); reason 3 (2 times); reason 4 (2 times) and 1,096 others",
      format.several(texts, "; "))
    assert.equal("a, b, c, d", format.several({ "a", "b", "c", "d" }, ", "))
    assert.equal("a, b, c, d and 1 other", format.several({ "a", "b", "c", "d", "e" }, ", "))
    assert.equal("", format.several({}, ", "))
  end)
end)
