---What a peer can make a node say.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local inside = require "filo.base.inside"
local new_reports = require "filo.peers.reports"
local nodes = require "spec.support.nodes"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

-- A reason that a peer gave went to the log as it was: with line breaks it forged lines, with escapes it steered the terminal.

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
    local _, record = inside.of(a).disk:sealed(inside.of(a).namespace, a:path_of(a:key_hash "key"), 10)
    nodes.drop(a, "key")
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    stranger:on("find", function() return { body = { record = record } } end)
    stranger:on("read", function() return { error = { code = "io", message = "x\nfilo: forged \27[31m" } } end)
    assert.is_nil((nodes.content(a, "key")))
    assert.matches(SAFE, net:expect "forged")
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
      assert(stranger:say(stranger:hello()))
      assert(stranger:hear() and stranger:hear())
      assert(stranger:say(stranger:welcome { member = stranger:member { addresses = { address } } }))
      assert.equal("protocol", select(2, stranger:hear()).code)
    end
  end)
end)

-- A peer could fill the log: each copy that it asked to publish without having sent it was a line, as was each failure that it provoked.

---How many lines of the log match.
local function count(net, pattern)
  local found = 0
  for _, line in ipairs(net.lines) do
    if line:find(pattern) then found = found + 1 end
  end
  return found
end

describe("a peer", function()
  it("that says that a copy is complete, of which it sent nothing, is told so; that is no line", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    for version = 1, 5 do
      local record = stranger:record { size = 100000, version = version }
      assert.equal(0, stranger:ask("offer", { record = record }).want)
      local code, message = stranger:refusal("fill", { record = record, stream = 0, hashes = false, first = 0 })
      assert.equal("protocol", code)
      assert.matches("before the copy was whole", message)
    end
    assert.equal(0, count(net, "a peer's copy"))
  end)

  it("provokes one line of a kind in a while; also when it connects again", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    a:handle("one", function() error "oh" end)
    a:handle("other", function() error "ah" end)
    local who = { identity = assert(crypto.identity_generate()) }
    for _ = 1, 2 do
      local stranger <close> = strangers.meet(a, who)
      for _ = 1, 5 do
        stranger:ask("one", {})
        stranger:ask("other", {})
      end
      stranger:close()
      nodes.peers(a, 0)
    end
    assert.same({ 1, 1 }, { count(net, "handler of 'one' failed: .*oh"), count(net, "handler of 'other' failed: .*ah") })
    local another <close> = strangers.meet(a)
    another:ask("one", {})
    assert.equal(2, count(net, "handler of 'one' failed"))
  end)

  it("that is not let in, or makes the admit function fail, provokes one line, too", function()
    local net <close> = nodes.net()
    local a = net:start("a", { admit = function() error "oh" end })
    local who = { identity = assert(crypto.identity_generate()) }
    for _ = 1, 3 do
      local stranger <close> = assert(strangers.call(a, who))
      assert(stranger:say(stranger:hello()))
      assert.equal("denied", select(2, stranger:hear()).code)
    end
    net:expect "is not let in"
    assert.same({ 1, 1 }, { count(net, "the admit function failed: .*oh"), count(net, "is not let in") })
  end)

  it("provokes a line of the same kind again when the while is over", simulated(function(net, host)
    local a, b = net:cluster(2)
    a:handle("topic", function() error "oh" end)
    for round = 1, 3 do
      for _ = 1, 5 do b:request(a.id, "topic") end
      assert.equal(round, net:logged "a error: .*handler of 'topic' failed")
      host.sleep(host.limits.report)
    end
  end))

  it("that holds a copy that cannot be had is one line, however often that is tried", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", nodes.bytes(3 << 20)))
    local _, record = inside.of(a).disk:sealed(inside.of(a).namespace, a:path_of(a:key_hash "key"), 10)
    nodes.drop(a, "key")
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    stranger:on("find", function() return { body = { record = record } } end)
    stranger:on("read", function() return { error = { code = "io", message = "oh" } } end)
    for _ = 1, 3 do assert.is_nil((nodes.content(a, "key"))) end
    net:expect "is given up: oh"
    assert.equal(1, count(net, "is given up: oh"))
  end)
end)

-- Strangers filled the log, 23 MB in 25 s: each came from another port, and so was another one who could provoke a line.
describe("lines that anybody can provoke", function()
  it("are one of a kind, and then how many there were", function()
    local lines, now = {}, 0
    local report = new_reports {
      limits = { report = 60, reports = 100 }, now = function() return now end,
      log = function(level, message) lines[#lines + 1] = level .. " " .. message end,
    }
    for i = 1, 1000 do
      report("info", "", "handshake", "stranger " .. i)
      report("info", "", "not let in denied", "other " .. i)
      now = now + 0.001
    end
    assert.same({ "info stranger 1", "info other 1" }, lines)
    now = 61
    report("info", "", "handshake", "stranger 1001")
    assert.equal("info stranger 1001 (and 999 more like it before)", lines[3])
  end)

  -- Whoever is let in may come with a new identity each time.
  it("are so many of all peers together, and then how many were left out", function()
    local lines, now = {}, 0
    local report = new_reports {
      limits = { report = 60, reports = 3 }, now = function() return now end,
      log = function(level, message) lines[#lines + 1] = level .. " " .. message end,
    }
    for i = 1, 1000 do report("error", "peer " .. i, "handler", "peer " .. i) end
    assert.same({ "error peer 1", "error peer 2", "error peer 3" }, lines)
    now = 61
    report("error", "peer 1001", "handler", "peer 1001")
    assert.same({
      "warning 997 lines that peers provoked left out, as there were more than 3 in 60 s", "error peer 1001",
    }, { table.unpack(lines, 4) })
  end)

  it("are so when strangers come to a node", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _ = 1, 20 do
      local stranger <close> = strangers.call(a)
      assert(stranger:say(stranger:hello { proof = ("x"):rep(32) }))
      assert.equal("denied", select(2, stranger:hear()).code)
    end
    assert.equal(1, count(net, "not let in"))
  end)
end)
