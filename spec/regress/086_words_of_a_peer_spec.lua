-- A reason that a peer gave went to the log as it was: with line breaks it forged lines, with escapes it steered the terminal.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

local SAFE = "^[\32-\126\xc2-\xf4\xa0-\xbf]*$"

describe("the words of a peer", function()
  it("reach errors with everything escaped that is no text", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    for _, case in ipairs {
      { "x\nfilo: forged", "x\\x0afilo: forged" }, { "\27[31mred", "\\x1b[31mred" }, { "\r\t\0\127", "\\x0d\\x09\\x00\\x7f" },
      { "é \xc2\x9b31m", "é \\xc2\\x9b31m" }, { "\x9b31m é", "\\x9b31m \\xc3\\xa9" }, { "für 漢", "für 漢" }, { "", "" },
    } do
      stranger:on("topic", function() return { error = { code = "io", message = case[1] } } end)
      local _, err = a:request(stranger.id, "topic")
      assert.equal(case[2], err.message)
    end
  end)

  it("reach the log in the same way", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", nodes.bytes(3 << 20)))
    local _, record = a.disk:sealed(a.namespace, a:path_of(a:key_hash "key"), 10)
    assert(a:evict "key")
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    stranger:on("find", function() return { body = { record = record } } end)
    stranger:on("read", function() return { error = { code = "io", message = "x\nfilo: forged \27[31m" } } end)
    assert.is_nil((nodes.content(a, "key")))
    assert.matches(SAFE, nodes.wait(function() return net:logged "forged" end, "line"))
  end)

  it("are cut between characters", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle("topic", function() return nil, filo.error("io", "x" .. ("ü"):rep(2000)) end)
    local _, err = a:request(b.id, "topic")
    assert.equal("x" .. ("ü"):rep(511), err.message)
  end)

  it("about where it listens are text, or it is not let in", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, address in ipairs { "a\nb:1", "\27[31m:1", "\xc2\x9b:1" } do
      local stranger <close> = strangers.call(a)
      assert(stranger:say(stranger:hello { listen = address }))
      assert(stranger:hear())
      assert.equal("protocol", select(2, stranger:hear()).code)
    end
  end)
end)
