---Records by themselves, right and wrong.

local b3sum = require "spec.support.b3sum"
local independent = require "spec.support.independent"
local openssl = require "spec.support.openssl"
local refused = require "spec.support.refused"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me, other = stores.me, stores.other

describe("a record", function()
  local namespace = independent.identity(("k"):rep(32)).namespace
  local EMPTY_ROOT = b3sum.derive("filo chunks v2", "")

  ---A record of no content with some fields changed, well signed.
  local function record(changes)
    local f = {
      version = 2, flags = 0, chunk_bits = 20, class = 0, generation = 0, sealed = ("m"):rep(60), number = 5, size = 0,
      namespace = namespace.id, key_hash = ("h"):rep(32), iv = ("i"):rep(16), root = EMPTY_ROOT,
    }
    for name, value in pairs(changes) do f[name] = value end
    local unsigned = ("<BBBBI4I8I8c32c32c16c32I4"):pack(f.version, f.flags, f.chunk_bits, f.class,
      f.length or #f.sealed, f.number, f.size, f.namespace, f.key_hash, f.iv, f.root, f.generation) .. f.sealed
    return unsigned .. openssl.ed25519_sign(namespace.key, "filo record v2" .. unsigned)
  end

  it("that is right is read", function()
    for _, changes in ipairs {
      {}, { flags = 1 }, { flags = 2 }, { flags = 3 }, { number = 0 }, { number = math.maxinteger }, { class = 255 },
      { generation = 0xffffffff }, { size = 1 << 48 }, { sealed = ("m"):rep(65536) },
    } do
      local bytes = record(changes)
      local fields = assert(store.parse(bytes))
      assert.same(fields, store.peek(bytes))
      assert.equal(changes.size or 0, fields.size)
      assert.equal(changes.number or 5, fields.version)
      assert.equal(changes.class or 0, fields.class)
      assert.equal(changes.generation or 0, fields.generation)
    end
  end)

  it("with a field that makes no sense is refused, though it is signed", function()
    for _, changes in ipairs {
      { version = 0 }, { version = 1 }, { flags = 4 }, { flags = 128 }, { chunk_bits = 19 }, { chunk_bits = 0 }, { number = -1 },
      { length = 61 }, { length = 59 }, { length = 0 }, { length = 0xffffffff }, { sealed = ("m"):rep(59) }, { sealed = ("m"):rep(65537) },
      { size = (1 << 48) + 1 }, { size = 1 << 62 }, { size = -1 }, { flags = 1, size = 1 }, { root = ("r"):rep(32) },
      { flags = 1, root = ("r"):rep(32) },
    } do
      local bytes = record(changes)
      refused("corrupt", store.parse(bytes))
      refused("corrupt", store.peek(bytes))
    end
    for _, version in ipairs { 3, 255 } do
      assert.matches("newer Filo", refused("unsupported", store.parse(record { version = version })))
    end
  end)

  it("names the size of the chunks that a store has", function()
    local bits = record({}):byte(3)
    assert.equal(1 << bits, store.chunk_size)
    assert.is_truthy(store.parse(record { chunk_bits = bits }))
  end)

  it("with any one bit changed is refused", function()
    local bytes = record { size = 0 }
    for _ = 1, 2 do assert(store.parse(bytes)) end -- known as well signed from here on
    for at = 1, #bytes do
      local bit = at % 8
      local ok, err = store.parse(bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << bit) .. bytes:sub(at + 1))
      assert.is_nil(ok, "byte " .. at)
      assert.is_true(err.code == "corrupt" or err.code == "unsupported")
    end
  end)

  it("cut or lengthened anywhere is refused", function()
    local bytes = record {}
    for size = 0, #bytes - 1 do refused("corrupt", store.peek(bytes:sub(1, size))) end
    for size = 0, #bytes - 1, 37 do refused("corrupt", store.parse(bytes:sub(1, size))) end
    refused("corrupt", store.parse(bytes .. "\0"))
    refused("corrupt", store.parse(("\1"):rep(100000)))
  end)

  it("by somebody else is refused", function()
    local theirs = record { namespace = other:raw_id() } -- signed by us
    refused("corrupt", store.parse(theirs))
    assert(store.peek(theirs))
    refused("corrupt", store.parse(record { namespace = ("\0"):rep(32) }))
    refused("corrupt", store.parse(record { namespace = ("\xff"):rep(32) }))
  end)

  it("with metadata that was sealed otherwise is not unsealed", function()
    refused("corrupt", store.unseal(me, record {}))
    refused("denied", store.unseal(other, record {}))
    refused("corrupt", store.unseal(me, "\1junk"))
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local good = stores.put(disk, "content", { meta = "mine" })
    assert.same({ "mine" }, { select(2, store.unseal(me, good)) })
    -- The clear fields are the associated data: another key's metadata cannot be put into a record.
    local moved = good:sub(1, 56) .. ("x"):rep(32) .. good:sub(89)
    refused("corrupt", store.unseal(me, moved))
  end)
end)
