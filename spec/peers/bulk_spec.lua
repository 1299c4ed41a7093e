local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"
local filo = require "filo"
local new_tap = require "spec.support.tap"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local MIB = 1 << 20
local MARK = "a sentence that nobody but its owner may read, again and again. "

---Content that is known again wherever it goes in the clear.
local function readable(size) return (MARK:rep(size // #MARK + 1):sub(1, size)) end

local function has_line(node)
  local peer = node:peers()[1]
  return peer and peer.bulk
end

---Two nodes with a tap between them; a has dialled b, over a bulk line too unless `given` says otherwise.
local function tapped(net, of_a, of_b)
  local b = net:start("b", of_b or { bulk = "sealed" })
  local tap = new_tap(b.address)
  local options = of_a or { bulk = "sealed" }
  options.bootstrap = { tap.address }
  local a = net:start("a", options)
  nodes.peers(a, 1)
  nodes.peers(b, 1)
  return a, b, tap
end

local function wait_for_line(a, b)
  nodes.wait(function() return has_line(a) and has_line(b) end, "bulk line")
end

---Takes away a's own copy, and fetches b's.
local function get_back(a, key)
  nodes.drop(a, key)
  local content = assert(nodes.content(a, key))
  nodes.kept(a, key)
  return content
end

describe("the option bulk = 'sealed'", function()
  it("sends sealed content beside TLS, both ways, and nothing that can be read", function()
    local net <close> = nodes.net()
    local a, b, tap = tapped(net)
    local _ <close> = tap
    wait_for_line(a, b)
    local content = readable(3 * MIB)
    assert.equal(2, #assert(a:store("a private name", content)).copies)
    assert.is_true(tap.counts.bulk > 3 * MIB and tap.counts.bulk < 3 * MIB + 4096)
    assert.is_true(content == get_back(a, "a private name"))
    assert.is_true(tap.counts.bulk > 6 * MIB)
    assert.is_true(tap.counts.tls < MIB, "the content is sent once")
    local seen = tap:seen "bulk"
    for _, text in ipairs { MARK:sub(1, 16), "a private name", crypto.unhex(a.id), crypto.unhex(b.id), nodes.SECRET } do
      assert.is_nil(seen:find(text, 1, true))
    end
  end)

  it("sends what is not sealed over TLS: plain objects, small ones, streams of scripts", function()
    local net <close> = nodes.net()
    local a, b, tap = tapped(net)
    local _ <close> = tap
    wait_for_line(a, b)
    local before = tap.counts.bulk
    local content = readable(2 * MIB)
    assert.equal(2, #assert(a:store("public", content, { encrypt = false })).copies)
    assert.is_true(content == get_back(a, "public"))
    assert.equal(2, #assert(a:store("small", readable(1000))).copies)
    b:handle_stream("talk", function(stream) stream:write(assert(stream:read "a")) end)
    local stream <close> = assert(a:open_stream(b.id, "talk"))
    filo.spawn(function()
      assert(stream:write(content))
      assert(stream:finish())
    end)
    assert.is_true(content == assert(stream:read "a"))
    assert.is_true(tap.counts.bulk - before < 64, "pings at most")
    assert.is_nil((tap:seen "bulk"):find(MARK:sub(1, 16), 1, true))
    assert.is_true(tap.counts.tls > 8 * MIB)
  end)

  for who, of in pairs { a = { {}, { bulk = "sealed" } }, b = { { bulk = "sealed" }, {} } } do
    it("needs both ends: without it at " .. who .. " all goes over TLS", function()
      local net <close> = nodes.net()
      local a, b, tap = tapped(net, of[1], of[2])
      local _ <close> = tap
      local content = readable(2 * MIB)
      assert.equal(2, #assert(a:store("key", content)).copies)
      assert.is_true(content == get_back(a, "key"))
      assert.equal(1, tap.lines)
      assert.is_true(tap.counts.tls > 4 * MIB)
      assert.is_false(has_line(a) or has_line(b))
    end)
  end

  it("makes no sense without TLS", function()
    local net <close> = nodes.net()
    assert.error_matches(function() net:start("a", { bulk = "sealed", tls = false }) end, "option 'bulk' goes without 'tls = false'")
    assert.error_matches(function() net:start("a", { bulk = "open" }) end, "option 'bulk' must be sealed")
  end)

  for what, alter in pairs {
    ["is cut in the middle of a stream"] = function() return nil end,
    ["changes a byte"] = function(bytes) return bytes:sub(1, -2) .. string.char(bytes:byte(-1) ~ 1) end,
  } do
    it("loses nothing when the line " .. what, function()
      local net <close> = nodes.net()
      local a, b, tap = tapped(net)
      local _ <close> = tap
      local content = readable(4 * MIB)
      for round, work in ipairs {
        function() assert.equal(2, #assert(a:store("key", content)).copies) end,
        function() assert.is_true(content == get_back(a, "key")) end,
      } do
        wait_for_line(a, b)
        local from, broken = tap.counts.bulk + MIB + MIB // 2, false
        tap.alter = function(kind, bytes, before)
          if kind ~= "bulk" or before < from then return bytes end
          from, broken = math.huge, true
          return alter(bytes)
        end
        work()
        assert.is_true(broken, "round " .. round)
        assert.is_true(tap.counts.tls > round * MIB, "the rest went over TLS")
      end
      assert.equal(2, #a:copies "key")
      for _, copy in ipairs(a:copies "key") do assert.is_nil(copy.problem) end
      wait_for_line(a, b) -- a new one
    end)
  end
end)

describe("many streams on a bulk line", function()
  it("all bring what they should", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, { bulk = "sealed" })
    wait_for_line(a, b)
    local works = {}
    for i = 1, 10 do
      works[i] = function()
        local content = nodes.bytes(2 * MIB + 1000 * i, i)
        assert.equal(2, #assert(a:store("key " .. i, content)).copies)
        assert.is_true(content == get_back(a, "key " .. i))
      end
    end
    filo.all(works)
  end)
end)

---What only who has the key can say on that line.
local function proof(key, line) return crypto.hmac_sha256(key, "filo bulk v1 dialler" .. line:binding()) end

describe("a second connection to a node with bulk = 'sealed'", function()
  ---The node, a peer of it, and a ticket for that.
  local function prepare(net)
    local a = net:start("a", { bulk = "sealed" })
    local stranger = strangers.meet(a)
    local ticket = assert(stranger:ask("bulk", {}))
    return a, stranger, ticket
  end

  it("is the peer's when it proves so, and takes no message then", function()
    local net <close> = nodes.net()
    local a, stranger, ticket = prepare(net)
    local _ <close> = stranger
    local line <close> = wire.dial_bulk(a.address, ticket.ticket)
    line:write(wire.value { proof = proof(ticket.key, line) }, 3)
    local answer = assert(line:receive())
    assert.equal(crypto.hmac_sha256(ticket.key, "filo bulk v1 listener" .. line:binding()), answer.proof)
    assert.same({}, (stranger:ask("bulk", { ready = true })))
    line:send { id = 1, topic = "ping", body = {} }
    assert.equal("protocol", line:last_words())
    assert.same("table", type(stranger:ask("ping", {})))
  end)

  local hostile = {
    ["with a ticket that nobody gave out"] = function(a) return wire.dial_bulk(a.address, ("t"):rep(32)) end,
    ["that was never asked for, with zeros"] = function(a) return wire.dial_bulk(a.address, ("\0"):rep(32)) end,
    ["with a wrong proof"] = function(a, ticket)
      local line = wire.dial_bulk(a.address, ticket.ticket)
      line:send { proof = proof(("k"):rep(32), line) }
      return line
    end,
    ["with the listener's own kind of proof"] = function(a, ticket)
      local line = wire.dial_bulk(a.address, ticket.ticket)
      line:send { proof = crypto.hmac_sha256(ticket.key, "filo bulk v1 listener" .. line:binding()) }
      return line
    end,
    ["with another line's proof"] = function(a, ticket)
      local other <close> = wire.dial_bulk(a.address, ("o"):rep(32))
      local line = wire.dial_bulk(a.address, ticket.ticket)
      line:send { proof = proof(ticket.key, other) }
      return line
    end,
    ["without a proof"] = function(a, ticket)
      local line = wire.dial_bulk(a.address, ticket.ticket)
      line:send {}
      return line
    end,
    ["that begins with a stream"] = function(a, ticket)
      local line = wire.dial_bulk(a.address, ticket.ticket)
      line:write(wire.stream(1, ("x"):rep(100)))
      return line
    end,
    ["that begins with credit"] = function(a, ticket)
      local line = wire.dial_bulk(a.address, ticket.ticket)
      line:write(wire.credit(1, 100))
      return line
    end,
    ["that speaks garbage"] = function(a, ticket)
      local line = wire.dial_bulk(a.address, ticket.ticket)
      line:write(("\xff\0\x7f"):rep(1000))
      return line
    end,
  }
  for how, dial in pairs(hostile) do
    it("is closed: one " .. how, function()
      local net <close> = nodes.net()
      local a, stranger, ticket = prepare(net)
      local _ <close> = stranger
      local line <close> = dial(a, ticket)
      line:last_words() -- it ends
      assert.equal("closed", select(2, stranger:ask("bulk", { ready = true })).code)
      assert.is_table(stranger:ask("ping", {}))
      assert.is_false(a:peers()[1].bulk)
    end)
  end

  for how, first in pairs {
    ["was used"] = function(line, key)
      line:send { proof = proof(key, line) }
      assert(line:receive())
    end,
    ["was tried with a wrong proof"] = function(line)
      line:send { proof = ("p"):rep(32) }
      line:last_words()
    end,
  } do
    it("is closed when its ticket " .. how .. " before", function()
      local net <close> = nodes.net()
      local a, stranger, ticket = prepare(net)
      local _ <close> = stranger
      local line <close> = wire.dial_bulk(a.address, ticket.ticket)
      first(line, ticket.key)
      local again <close> = wire.dial_bulk(a.address, ticket.ticket)
      again:send { proof = proof(ticket.key, again) }
      assert.equal("denied", again:last_words())
    end)
  end

  it("is closed when the peer whose ticket it has is gone", function()
    local net <close> = nodes.net()
    local a, stranger, ticket = prepare(net)
    stranger:close()
    nodes.peers(a, 0)
    local line <close> = wire.dial_bulk(a.address, ticket.ticket)
    line:send { proof = proof(ticket.key, line) }
    assert.equal("denied", line:last_words())
  end)

  it("is no peer: a hello without TLS is not answered", function()
    local net <close> = nodes.net()
    local a = net:start("a", { bulk = "sealed" })
    local raw <close> = assert(filo.dial(a.address))
    raw:write("filo/1\r\n" .. ("r"):rep(32) .. ("i"):rep(32) .. wire.message(cbor.encode { hello = { version = 3 } }))
    local answer = raw:read(4096, 20)
    assert.is_true(answer == nil or #answer <= 72, "a preface at most")
    assert.is_nil((raw:read(1, 20)))
    assert.equal(0, #a:peers())
  end)

  it("is no answer to a node without the option: it gives no tickets", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    assert.equal("unsupported", select(2, stranger:ask("bulk", {})).code)
    local raw <close> = assert(filo.dial(a.address))
    raw:write("filo/b\r\n" .. ("r"):rep(32) .. ("t"):rep(32))
    local answer = raw:read("a", 20)
    assert.is_nil(answer and answer:find("filo/b", 1, true))
  end)
end)
