local links = require "spec.support.links"
local net = require "filo.core.net"
local raises = require "spec.support.raises"
local runtime = require "filo.core.runtime"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local CHUNK = 1 << 20

---A rate at which nothing comes to its end while a test runs.
local CRAWL = 4096

---Calls fn(object, partial) with an object to be sent, and the partial that takes it at another store.
local function with_object(size, fn)
  local near <close> = temp.folder()
  local far <close> = temp.folder()
  local disk <close> = stores.open(near)
  local record = stores.put(disk, stores.bytes(size))
  local object <close> = stores.object(disk, "key")
  local there <close> = stores.open(far)
  local partial <close> = assert(there:partial(stores.path "key", record))
  fn(object, partial)
end

---Two of something, to be closed together.
local function pair(what) return setmetatable(what, { __close = function()
  what[1]:close()
  what[2]:close()
end }) end

---A link whose end a keeps to a rate, and what else the options say.
local function limited(up, down, given)
  local rates = assert(net.rates())
  rates:set(up, down)
  local options = { rates = rates }
  for name, value in pairs(given or {}) do options[name] = value end
  local server <close> = links.listen(given)
  local dialling = runtime.spawn(net.dial, server.address, links.options(links.a, options))
  local b = server:accept()
  local a = assert(dialling:join())
  assert(b:ready())
  a:admit()
  b:admit()
  return pair { a, b, rates = rates, a = a, b = b }
end

---Moves an object from one end to the other.
local function move(from, to, object, partial)
  local sending = assert(from:send_object(object, true))
  local receiving = assert(to:receive_object(sending:number(), partial, true))
  return pair { sending, receiving, sending = sending, receiving = receiving }
end

---Bytes that may have gone by at a rate.
local function most(rate, seconds) return rate * (seconds + 1 / 20 + 2 / 50) + 2 * 256 end

for _, case in ipairs { { "with TLS", { tls = true } }, { "without TLS", { tls = false } } } do
  local name, given = table.unpack(case)

  describe("a rate " .. name, function()
    it("is kept to, evenly, by what is sent", function()
      local link <close> = limited(4 * CHUNK, 0, given)
      local rates, a, b = link.rates, link.a, link.b
      with_object(2 * CHUNK, function(object, partial)
        local since = runtime.now()
        local moving <close> = move(a, b, object, partial)
        repeat
          local ended = moving.sending:join(0.002)
          assert.is_true(rates:moved() <= most(4 * CHUNK, runtime.now() - since))
        until ended
        assert.is_true(moving.receiving:join())
        assert.equal(2 * CHUNK + 2 * 32, rates:moved())
      end)
    end)

    it("is kept to by what is received, whatever the other side would send", function()
      local link <close> = limited(0, 4 * CHUNK, given)
      local rates, a, b = link.rates, link.a, link.b
      with_object(2 * CHUNK, function(object, partial)
        local since = runtime.now()
        local moving <close> = move(b, a, object, partial)
        repeat
          local ended = moving.receiving:join(0.002)
          assert.is_true(moving.receiving:bytes() <= most(4 * CHUNK, runtime.now() - since))
        until ended
        assert.is_true(moving.sending:join())
        assert.equal(2 * CHUNK + 2 * 32, (select(2, rates:moved())))
      end)
    end)

    it("holds up no message, and may be lifted while something waits", function()
      local link <close> = limited(CRAWL, CRAWL, given)
      local rates, a, b = link.rates, link.a, link.b
      with_object(3 * CHUNK + 5, function(object, at_b)
        with_object(2 * CHUNK, function(other, at_a)
          local to_b <close> = move(a, b, object, at_b)
          local to_a <close> = move(b, a, other, at_a)
          for i = 1, 20 do
            assert(a:send { number = i, filler = ("x"):rep(10000) })
            assert.equal(i, assert(b:receive(60)).number)
            assert(b:send { number = i, filler = ("x"):rep(10000) })
            assert.equal(i, assert(a:receive(60)).number)
          end
          assert.is_true(to_b.receiving:bytes() < CHUNK and to_a.receiving:bytes() < CHUNK)
          rates:set(0, 0)
          for _, each in ipairs { to_b[1], to_b[2], to_a[1], to_a[2] } do assert.is_true(each:join()) end
        end)
      end)
    end)

    it("holds for what is under way once it is set", function()
      local link <close> = limited(0, 0, given)
      local rates, a, b = link.rates, link.a, link.b
      with_object(6 * CHUNK, function(object, partial)
        local sending <close> = assert(a:send_object(object, true))
        rates:set(CRAWL, 0)
        local receiving <close> = assert(b:receive_object(sending:number(), partial, true))
        runtime.sleep(0)
        assert(a:send { after = "that" })
        assert(b:receive(60))
        assert.is_true(receiving:bytes() < CHUNK)
      end)
    end)

    it("lets each stream have its turn, and leaves no other waiting when one is given up", function()
      local link <close> = limited(CHUNK, CHUNK, given)
      local rates, a, b = link.rates, link.a, link.b
      with_object(3 * CHUNK, function(object, partial)
        with_object(CHUNK // 4, function(other, at_b)
          local large <close> = move(a, b, object, partial)
          local small <close> = move(a, b, other, at_b)
          assert.is_true(small.sending:join())
          assert.is_true(small.receiving:join())
          assert.is_true(large.sending:bytes() < 2 * CHUNK and large.sending:bytes() > CHUNK // 16)
          large.sending:close()
          with_object(CHUNK // 8, function(third, there)
            local after <close> = move(a, b, third, there)
            assert.is_true(after.sending:join())
            assert.is_true(after.receiving:join())
          end)
        end)
      end)
      assert.is_true(rates:moved() > 0)
    end)
  end)
end

describe("rates", function()
  it("are shared by connections, each of which gets its part", function()
    local link <close> = limited(4 * CHUNK, 0, { tls = false })
      local rates, a, b = link.rates, link.a, link.b
    local server <close> = links.listen { tls = false }
    local dialling = runtime.spawn(net.dial, server.address, links.options(links.a, { tls = false, rates = rates }))
    local d <close> = server:accept()
    local c <close> = assert(dialling:join())
    assert(d:ready())
    c:admit()
    d:admit()
    with_object(CHUNK, function(object, partial)
      with_object(CHUNK, function(other, at_d)
        local since = runtime.now()
        local one <close> = move(a, b, object, partial)
        local two <close> = move(c, d, other, at_d)
        for _, each in ipairs { one[1], one[2], two[1], two[2] } do assert.is_true(each:join()) end
        assert.is_true(2 * CHUNK <= most(4 * CHUNK, runtime.now() - since))
      end)
    end)
  end)

  it("are kept to by tasks, in the order in which they come, and left by those that are cancelled", function()
    local rates <close> = assert(net.rates())
    local order = {}
    rates:set(64 * 1024, 0)
    local since = runtime.now()
    local tasks = {}
    for i = 1, 4 do
      tasks[i] = runtime.spawn(function()
        if rates:wait("up", 8192) then order[#order + 1] = i end
      end)
    end
    runtime.sleep(0)
    tasks[2]:cancel "not wanted any more"
    for _, i in ipairs { 1, 3, 4 } do tasks[i]:join() end
    assert.equal(3, #order)
    assert.is_true(3 * 8192 <= most(64 * 1024, runtime.now() - since))
    assert.is_true(rates:moved() >= 3 * 8192 and rates:moved() <= 4 * 8192)
    assert.is_true(rates:wait("down", 1 << 30)) -- without a limit
    assert.is_true(rates:wait_idle "down")
    assert.same({ rates:moved(), 1 << 30 }, { rates:moved() })
  end)

  it("let those who have time go when nobody else waits", function()
    local rates <close> = assert(net.rates())
    rates:set(CRAWL, 0)
    local waits = runtime.spawn(function() return rates:wait("up", 1 << 20) end):observe()
    local idle = runtime.spawn(function() return rates:wait_idle "up" end)
    runtime.sleep(0)
    assert.same({ "waiting", "waiting" }, { waits:status(), idle:status() })
    waits:cancel "enough"
    assert.is_true(idle:join())
    local later = runtime.spawn(function() return rates:wait("up", 1 << 20) end)
    runtime.sleep(0)
    rates:set(0, 0)
    assert.is_true(later:join())
  end)

  it("go with the last who keeps to them", function()
    local link <close> = limited(CRAWL, CRAWL, { tls = false })
      local rates, a, b = link.rates, link.a, link.b
    with_object(CHUNK, function(object, partial)
      local moving <close> = move(a, b, object, partial)
      runtime.sleep(0)
      rates:close()
      raises("the rates are closed", rates.moved, rates)
      a:close()
      assert.is_nil((moving.sending:join()))
      assert.is_nil((moving.receiving:join()))
    end)
  end)

  it("make sense", function()
    local rates <close> = assert(net.rates())
    raises("0 or more bytes a second", rates.set, rates, -1, 0)
    raises("1 byte or more", rates.wait, rates, "up", 0)
    raises("invalid option 'sideways'", rates.wait, rates, "sideways", 1)
  end)
end)
