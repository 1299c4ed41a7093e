-- A message of 1 MiB that held nothing but empty tables became 70 MiB of them in the node that received it.

local cbor = require "filo.core.cbor"
local nodes = require "spec.support.nodes"
local strangers = require "spec.support.stranger"
local wire = require "spec.support.wire"

local MOST = 1 << 17

---A head, and so many items of a byte.
local function array(count, item) return (">BI4"):pack(0x9a, count) .. item:rep(count) end
local function map(count, item)
  local pairs_of = {}
  for i = 1, count do pairs_of[i] = (">BI4"):pack(0x1a, i) .. item end
  return (">BI4"):pack(0xba, count) .. table.concat(pairs_of)
end

describe("a message", function()
  it("has at most 131072 values", function()
    for _, item in ipairs { "\x00", "\x80", "\xa0", "\xf6" } do
      assert.is_table((cbor.decode(array(MOST, item))))
      assert.is_table((cbor.decode(map(MOST // 2, item))))
      for _, bytes in ipairs { array(MOST + 1, item), map(MOST // 2 + 1, item), "\x82" .. array(MOST - 1, item) .. item } do
        local value, err = cbor.decode(bytes)
        assert.is_true(value == nil)
        assert.matches("no valid CBOR: more than 131072 values at byte %d", tostring(err))
      end
    end
  end)

  it("that has more cannot be made, and says where", function()
    local list, named = {}, {}
    for i = 1, MOST do list[i] = i % 2 == 0 end
    for i = 0, MOST // 2 - 1 do named[i] = true end
    assert.same(list, cbor.decode(cbor.encode(list)))
    assert.same(named, cbor.decode(cbor.encode(named)))
    list[MOST + 1], named[-1] = true, true
    for _, value in ipairs { list, named } do
      assert.error_matches(function() cbor.encode { body = value } end, "cannot encode more than 131072 values in field 'body'")
    end
  end)

  it("of more values ends the connection of the peer that sent it", function()
    local net <close> = nodes.net()
    local a = net:start("a", { tls = false })
    local peer <close> = strangers.meet(a, { tls = false })
    peer.line:write(wire.message("\xa2\x62re\x01\x64body" .. array(1 << 19, "\x80")))
    assert.equal("protocol", peer:farewell())
  end)
end)
