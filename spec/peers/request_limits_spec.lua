---How much one peer may ask at once.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

-- A peer could start any number of tasks at a node: one for each request that it sent.
describe("requests of one peer", function()
  it("are answered up to a limit; more are told that the node is busy", function()
    local _ <close> = limits { requests = 10 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local running, most, go_on = 0, 0, filo.channel()
    a:handle("wait", function(body)
      running = running + 1
      most = math.max(most, running)
      go_on:receive()
      running = running - 1
      return body
    end)
    local stranger <close> = strangers.meet(a)
    local sent = {}
    for i = 1, 100 do sent[i] = stranger:request("wait", i) end
    for i = 100, 11, -1 do assert.equal("busy", select(2, stranger:reply(sent[i])).code) end
    assert.equal(10, most)
    go_on:close()
    for i = 1, 10 do assert.equal(i, (stranger:reply(sent[i]))) end
    assert.equal(7, (stranger:ask("wait", 7)))
  end)
end)

-- What was begun over a connection went on when that ended, and was not counted over the next.
describe("requests of one peer over several connections", function()
  it("are answered up to the same limit", function()
    local _ <close> = limits { requests = 10 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local begun, go_on = 0, filo.channel()
    a:handle("wait", function()
      begun = begun + 1
      return go_on:receive()
    end)
    local identity
    for _ = 1, 3 do
      local stranger <close> = strangers.meet(a, { identity = identity })
      identity = stranger.identity
      for _ = 1, 6 do stranger:request "wait" end
      stranger:ask("ping", {}) -- answered, or refused, once the others were taken
      stranger:close()
      nodes.peers(a, 0)
    end
    assert.equal(10, begun)
    go_on:close()
    local stranger <close> = strangers.meet(a, { identity = identity })
    assert.is_table((stranger:ask("ping", {})))
  end)
end)

-- One peer could make a node keep 256 MiB: requests with fields that nobody asked for, or long bodies, were kept while they were served.
describe("requests of one peer", function()
  it("with fields that are unknown are refused", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    local hash, record = ("h"):rep(32), stranger:record { size = 5 }
    for topic, body in pairs {
      ping = {}, store = { record = record, body = "" }, offer = { record = record }, find = { namespace = hash, key_hash = hash },
      fill = { record = record, stream = 1, hashes = true, first = 0 }, check = { namespace = hash, key_hash = hash },
      read = { namespace = hash, key_hash = hash, version = 1, hashes = true, first = 0, count = 1 },
    } do
      for _, name in ipairs { "junk", 1 } do
        body[name] = "x"
        local code, message = stranger:refusal(topic, body)
        assert.equal("protocol", code)
        assert.matches("the request '" .. topic .. "' has an unknown field", message)
        body[name] = nil
      end
    end
    assert.equal(1, #a:peers())
  end)

  it("answered with fields that are unknown count as failed", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    nodes.peers(a, 1)
    stranger:on("find", function() return { body = { junk = "x" } } end)
    local _, err = a:get "key"
    assert.matches("the one peer that was asked gave no good answer", tostring(err))
  end)

  it("are served up to so many bytes; more are told that the node is busy", function()
    local _ <close> = limits { request_bytes = 100000 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local go_on = filo.channel()
    a:handle("wait", function(body)
      go_on:receive()
      return #body
    end)
    local stranger <close> = strangers.meet(a)
    local body, sent = ("x"):rep(30000), {}
    for i = 1, 10 do sent[i] = stranger:request("wait", body) end
    for i = 10, 4, -1 do
      local _, err = stranger:reply(sent[i])
      assert.equal("busy", err.code)
      assert.matches("90%d%d%d bytes", err.message)
    end
    assert.is_table((stranger:ask("ping", {})))
    go_on:close()
    for i = 1, 3 do assert.equal(#body, (stranger:reply(sent[i]))) end
    assert.equal(#body, (stranger:ask("wait", body)))
  end)
end)
