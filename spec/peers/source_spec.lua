local new_random = require "filo.sim.random"
local source = require "filo.peers.source"

describe("where a connection comes from", function()
  -- A network of IPv6 whose name ends in zeros had two names, and so weighed half.
  it("is an address, or the network of one, however it is written", function()
    for name, addresses in pairs {
      ["10.0.0.1"] = { "10.0.0.1:5", "10.0.0.1:6", "[::ffff:10.0.0.1]:5" },
      ["2001:db8:1:2"] = { "[2001:db8:1:2::5]:5", "[2001:db8:1:2:3:4:5:6]:7" },
      ["2001:db8:0:0"] = { "[2001:db8::1]:5", "[2001:db8::]:5", "[2001:db8:0:0:5::]:1", "[2001:db8::5:6:7:8]:5" },
      ["2001:db8:1:0"] = { "[2001:db8:1::1]:5", "[2001:db8:1:0:5:6:7:8]:5" },
      ["2001:0:0:7"] = { "[2001::7:1:2:3:4]:5", "[2001:0:0:7::1]:5" },
      ["0:0:0:0"] = { "[::1]:5" },
      ["fe80:0:0:0"] = { "[fe80::1%eth0]:5" },
    } do
      for _, address in ipairs(addresses) do assert.equal(name, source.of(address)) end
    end
  end)
end)

describe("the heaviest sources", function()
  local function same(each) return each end

  it("are all of those from which most come", function()
    assert.same({}, source.heaviest({}, same))
    assert.same({ "a", "a" }, source.heaviest({ "a", "b", "a" }, same))
    assert.same({ "b", "a", "b", "a" }, source.heaviest({ "b", "a", "b", "c", "a" }, same))
    assert.same({ "b", "a", "c" }, source.heaviest({ "b", "a", "c" }, same))
  end)

  it("have one that is chosen by chance, which follows from the host's", function()
    local function draw(seed)
      local random, drawn = new_random(seed), {}
      local host = { random = function(count) return random:bytes(count) end }
      for i = 1, 50 do drawn[i] = source.any(host, { "a", "b", "c" }) end
      return table.concat(drawn)
    end
    assert.equal(draw(1), draw(1))
    assert.not_equal(draw(1), draw(2))
    for _, each in ipairs { "a", "b", "c" } do assert.matches(each, draw(1)) end
  end)
end)
