-- A few peers that sent next to nothing held all places for copies on their way in, so that nobody else could store here.

local filo = require "filo"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"

local SIZE = (2 << 20) + 5

---Offers so many copies; with `fill`, asks for each to be taken. Gives the numbers of these requests.
local function hold(stranger, count, fill)
  local numbers = {}
  for i = 1, count do
    local record = stranger:record { size = SIZE, key_hash = ("%032d"):format(i) }
    assert.equal(0, assert(stranger:ask("offer", { record = record })).want)
    numbers[i] = fill and stranger:request("fill", { record = record, stream = 2 * i - 1, hashes = true, first = 0 })
  end
  return numbers
end

describe("places for copies on their way in", function()
  it("are given up by who holds most of them to who has none", function()
    local _ <close> = limits { landings = 4, landings_of_peer = 2 }
    for _, fill in ipairs { true, false } do
      local net <close> = nodes.net()
      local a = net:start("a", { tls = false })
      local one <close> = strangers.meet(a, { tls = false })
      local two <close> = strangers.meet(a, { tls = false })
      local fills = { hold(one, 2, fill), hold(two, 2, fill) }
      local b = net:start("b", { tls = false })
      assert(b:connect(a.address))
      assert.same({ b.id, a.id }, assert(b:store("key", nodes.bytes(SIZE))).copies)
      if fill then
        local body, err
        nodes.wait(function()
          assert(one:ask("ping", {}))
          assert(two:ask("ping", {}))
          for i, each in ipairs { one, two } do
            for _, number in ipairs(fills[i]) do
              if each.replies[number] then body, err = each:reply(number) end
            end
          end
          return err
        end, "place given up")
        assert.is_nil(body)
        assert.equal("busy", err.code)
        assert.matches("others wait for the place: offer it again", err.message)
      end
    end
  end)

  it("are kept against a peer that has as many, or one fewer", function()
    local _ <close> = limits { landings = 3, landings_of_peer = 2 }
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local one <close> = strangers.meet(a, { tls = false })
    local two <close> = strangers.meet(a, { tls = false })
    hold(one, 2, true)
    hold(two, 1, true)
    assert.equal("busy", (two:refusal("offer", { record = two:record { size = SIZE, key_hash = ("x"):rep(32) } })))
    assert.equal("busy", (one:refusal("offer", { record = one:record { size = SIZE, key_hash = ("x"):rep(32) } })))
  end)

  it("change hands among peers that store much at once, and all copies are made", function()
    local _ <close> = limits { landings = 2, landings_of_peer = 2, busy_tries = 1000, busy_pause = 0.001 }
    local net <close> = nodes.net()
    local a = net:start "a"
    local tasks = {}
    for n = 1, 3 do
      local node = net:start("n" .. n)
      assert(node:connect(a.address))
      for i = 1, 4 do
        table.insert(tasks, function() return #assert(node:store("key " .. i, nodes.bytes(SIZE, i))).copies end)
      end
    end
    for _, copies in ipairs(filo.all(tasks)) do assert.equal(2, copies) end
  end)
end)
