local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

describe("node:request", function()
  it("gives what the handler gives, of every kind", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle("echo", function(body) return body end)
    for _, body in ipairs {
      true, 5, -1, 1.5, math.maxinteger, "", "text", "\0\xff", { 1, 2, { x = "y" } }, { nested = { deep = { true } } }, ("x"):rep(1000000),
    } do assert.same(body, a:request(b.id, "echo", body)) end
    assert.is_false(select(1, (b:handle("no", function() return false end) or a:request(b.id, "no"))))
    assert.same({}, { a:request(b.id, "echo") }) -- nothing, and no error
  end)

  it("works both ways, many at once, each with its own answer", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, node in ipairs { a, b } do
      node:handle("slow", function(n)
        filo.sleep((n % 7) / 1000)
        return n * 2
      end)
    end
    local tasks = {}
    for i = 1, 200 do
      local from, to = a, b
      if i % 2 == 0 then from, to = b, a end
      tasks[i] = function() return from:request(to.id, "slow", i) end
    end
    for i, answer in ipairs(filo.all(tasks)) do assert.equal(i * 2, answer) end
  end)

  it("tells the handler who asks; a handler may ask back", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    a:handle("name", function() return "alice" end)
    b:handle("who", function(_, peer) return { peer.id, (b:request(peer, "name")) } end)
    assert.same({ a.id, "alice" }, a:request(b:peers()[1] and b.id, "who"))
  end)

  it("ends at its deadline; a late answer harms nobody", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local go_on = filo.channel()
    b:handle("late", function()
      go_on:receive()
      return "late"
    end)
    local answer, err = a:request(b.id, "late", nil, 0.05)
    assert.is_nil(answer)
    assert.same({ "timeout", b.id, true }, { err.code, err.peer, err.retryable })
    assert.matches("did not answer 'late' in time", tostring(err))
    go_on:close()
    assert.equal("late", a:request(b.id, "late"))
  end)

  it("ends when the peer goes", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local asked = filo.channel()
    b:handle("never", function()
      asked:send(true)
      filo.sleep(60)
    end)
    local asking = filo.spawn(function() return a:request(b.id, "never") end)
    assert.is_true(asked:receive(10))
    net:stop "b"
    local answer, err = asking:join(10)
    assert.is_nil(answer)
    assert.equal(b.id, err.peer)
    assert.is_true(err.retryable)
  end)

  it("can be cancelled", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle("wait", function() filo.sleep(60) end)
    local answer, err = filo.timeout(0.05, a.request, a, b.id, "wait")
    assert.is_nil(answer)
    assert.equal("timeout", err.code)
    nodes.wait(function() return next(inside.of(a:peers()[1]).pending) == nil end, "end of the request")
  end)

  it("gives the handler's error, and one for a topic that nobody handles", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    b:handle("refuse", function() return nil, filo.error("denied", "not you") end)
    b:handle("fail", function() error "a secret of the peer" end)
    b:handle("gone", print)
    b:handle("gone", nil)
    for topic, expected in pairs {
      refuse = { "denied", "^not you$" }, fail = { "io", "^the handler failed$" }, gone = { "unsupported", "no handler for 'gone'" },
    } do
      local answer, err = a:request(b.id, topic)
      assert.is_nil(answer)
      assert.equal(expected[1], err.code)
      assert.matches(expected[2], tostring(err))
      assert.equal(b.id, err.peer)
    end
    assert.is_truthy(net:logged "b error: the handler of 'fail' failed: .*requests_spec.lua:%d+: a secret of the peer")
  end)

  it("says that a body is too large", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local answer, err = a:request(b.id, "topic", ("x"):rep(1 << 20))
    assert.is_nil(answer)
    assert.equal("too_large", err.code)
    assert.equal(b.id, err.peer)
    assert.equal(1, #b:peers())
  end)
end)

describe("node:broadcast", function()
  it("asks all at once, and names each", function()
    local net <close> = nodes.net()
    local a, b, c, d = net:cluster(4)
    b:handle("topic", function(body) return body .. " from b" end)
    c:handle("topic", function() return nil, filo.error("denied", "no") end)
    d:handle("topic", function() filo.sleep(60) end)
    local results = a:broadcast("topic", "hello", 0.1)
    assert.equal("hello from b", results[b.id].answer)
    assert.equal("denied", results[c.id].error.code)
    assert.equal("timeout", results[d.id].error.code)
    for _, node in ipairs { b, c, d } do results[node.id] = nil end
    assert.is_nil(next(results))
    assert.same({}, net:start("alone"):broadcast("topic"))
  end)
end)

describe("messages of a peer", function()
  it("that break the protocol end its connection, and nothing else", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, message in ipairs {
      {}, { id = 1 }, { topic = "ping" }, { id = 0, topic = "ping" }, { id = "1", topic = "ping" },
      { id = 1.5, topic = "ping" }, { id = 1, topic = "" }, { id = 1, topic = ("x"):rep(65) }, { id = 1, topic = 5 }, { re = 0 },
      { re = "1" }, { re = 1, error = "text" }, { re = 1, error = {} }, { re = 1, error = { code = "io" } },
      { re = 1, error = { code = "Two Words", message = "x" } }, { re = 1, error = { code = ("x"):rep(65), message = "x" } },
      { re = 1, error = { code = "io", message = ("x"):rep(1025) } },
    } do
      local stranger <close> = strangers.meet(a)
      nodes.peers(a, 2)
      assert(stranger:say(message))
      assert.equal("protocol", stranger:farewell())
      nodes.peers(a, 1)
    end
    assert.equal("x", (b:handle("x", function() return "x" end) or a:request(b.id, "x")))
  end)

  it("that answer nobody's question are ignored", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    for i = 1, 100 do assert(stranger:say { re = i, body = {} }) end
    assert.is_table((stranger:ask("ping", {})))
  end)

  it("with bad fields are answered with an error, whatever the topic", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    local hash, record = ("h"):rep(32), stranger:record { size = 5 }
    for _, case in ipairs {
      { "ping", "text" }, { "ping", { free = -1 } }, { "ping", { free = "much" } },
      { "store", {} }, { "store", { record = record, body = 5 } },
      { "store", { record = "short", body = "" } }, { "store", { record = record, body = ("x"):rep(65536 + 33) } },
      { "store", { record = ("r"):rep(65741), body = "" } },
      { "offer", {} }, { "offer", { record = 5 } }, { "offer", { record = "short" } },
      { "fill", { record = record, stream = -1, hashes = true, first = 0 } },
      { "fill", { record = record, stream = 1 << 32, hashes = true, first = 0 } },
      { "fill", { record = record, stream = 1, hashes = 1, first = 0 } },
      { "fill", { record = record, stream = 1, hashes = true, first = -1 } },
      { "find", {} }, { "find", { namespace = hash, key_hash = "short" } }, { "find", { namespace = 5, key_hash = hash } },
      { "check", { namespace = hash } },
      { "generations", { namespace = hash } }, { "generations", { namespace = hash, below = 1 << 32 } },
      { "generations", { namespace = hash, below = 1, place = 5 } },
      { "generations", { namespace = hash, below = 1, place = { generation = 0, id = -1 } } },
      { "claim", { claims = { { namespace = hash, generation = -1, signature = ("s"):rep(64) } } } },
      { "read", { namespace = hash, key_hash = hash, version = -1, hashes = false, first = 0, count = 1 } },
      { "read", { namespace = hash, key_hash = hash, version = 1, hashes = false, first = 0.5, count = 1 } },
      { "read", { namespace = hash, key_hash = hash, version = 1, first = 0, count = 1 } },
      { "read", { namespace = hash, key_hash = hash, version = 1, hashes = false, first = 0, count = 1 << 40 } },
    } do
      local code, message = stranger:refusal(case[1], case[2])
      assert.equal("protocol", code, case[1])
      assert.matches(case[1], message)
    end
    assert.equal(1, #a:peers())
  end)

  it("of Filo's own topics are refused when they make no sense", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    local record = stranger:record { size = 5 << 20 }
    local hash = ("h"):rep(32)
    local fill = { record = record, stream = 1, hashes = true, first = 0 }
    assert.equal("busy", (stranger:refusal("fill", fill))) -- never offered, or not any more
    assert.equal(0, stranger:ask("offer", { record = record }).want)
    assert.equal("busy", (stranger:refusal("offer", { record = record }))) -- twice
    local other <close> = strangers.meet(a)
    assert.equal("busy", (other:refusal("fill", fill))) -- another's
    assert.equal("not_found", (stranger:refusal("read", {
      namespace = hash, key_hash = hash, version = 1, hashes = false, first = 0, count = 1,
    })))
    assert.is_nil(next(stranger:ask("find", { namespace = hash, key_hash = hash })))
    assert.is_nil(next(stranger:ask("check", { namespace = hash, key_hash = hash })))
    assert.equal("corrupt", (stranger:refusal("store", { record = stranger:record { size = 5 }, body = ("x"):rep(37) })))
    assert.equal("unsupported", (stranger:refusal("store", { record = ("x"):rep(300), body = "" })))
    local forged = stranger:record { size = 5, namespace = other.identity:raw_id() }
    assert.equal("corrupt", (stranger:refusal("store", { record = forged, body = ("x"):rep(37) })))
    assert.equal("corrupt", (stranger:refusal("offer", { record = forged })))
    forged = stranger:record { size = 5, namespace = inside.of(a).namespace }
    assert.equal("denied", (stranger:refusal("store", { record = forged, body = ("x"):rep(37) })))
    assert.equal("denied", (stranger:refusal("offer", { record = forged })))
  end)

  it("in answer to a node's own questions are checked", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    for _, reply in ipairs {
      { body = 5 }, { body = { record = 5 } }, { body = { record = "short" } }, { body = { record = ("x"):rep(300), body = 5 } },
      { body = { record = ("x"):rep(300) } }, { body = { record = stranger:record { size = 5 } } },
      { body = { record = stranger:record { size = 5, namespace = inside.of(a).namespace } } }, { error = { code = "io", message = "no" } },
    } do
      stranger:on("find", function() return reply end)
      local object, err = a:get "key"
      assert.is_nil(object)
      assert.equal("not_found", err.code)
      assert.matches("the one peer that was asked gave no good answer", tostring(err))
    end
    for _, reply in ipairs { { body = 5 }, { body = { record = 5 } }, { error = { code = "cancelled", message = "x" } } } do
      stranger:on("store", function() return reply end)
      local receipt, err = a:store("key", "content")
      assert.is_nil(receipt)
      assert.same({ a.id }, err.receipt.copies)
    end
  end)
end)

-- A request that waited for room in the queue raised an error, where others returned nil and one, when the connection closed.
describe("a request that waits until the peer reads", function()
  it("fails as others do when the connection closes", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local peer <close> = strangers.meet(a, { tls = false })
    nodes.peers(a, 1)
    local requests = {}
    for i = 1, 40 do
      requests[i] = filo.spawn(function() return a:request(a:peers()[1], "topic", ("x"):rep(900000)) end):observe()
    end
    filo.sleep(0.1)
    peer:close()
    for _, request in ipairs(requests) do
      local answer, err = request:join(10)
      assert.is_nil(answer)
      assert.is_truthy(err.code == "closed" or err.code == "unreachable", tostring(err))
    end
  end)
end)
