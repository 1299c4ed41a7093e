---Chunk hashes against b3sum, at the sizes where BLAKE3's tree takes another shape.

local b3sum = require "spec.support.b3sum"
local crypto = require "filo.core.crypto"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local CHUNK = 1 << 20

---The chunk hashes of content that is stored as it is.
local function hashes(folder, disk, content)
  stores.put(disk, content, { plain = true, known = true })
  local file = folder:read(stores.file "key")
  assert(disk:remove(stores.me:raw_id(), stores.path "key", 1))
  local count = -(-#content // CHUNK)
  return file:sub(#content + 1, #content + 32 * count)
end

describe("the hash of a chunk", function()
  it("is what b3sum gives", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for _, size in ipairs {
      1, 63, 64, 65, 2048, 16384, 16385, 31744, 262128, 262144, 262145, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 65536 + 7,
    } do
      local content = stores.bytes(size)
      local wanted = {}
      for at = 1, size, CHUNK do wanted[#wanted + 1] = b3sum.hash(content:sub(at, at + CHUNK - 1)) end
      assert.equal(crypto.hex(table.concat(wanted)), crypto.hex(hashes(folder, disk, content)), size)
    end
  end)
end)
