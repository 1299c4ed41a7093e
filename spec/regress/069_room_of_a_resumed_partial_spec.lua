-- A partial without its hash list, which a kill leaves, was emptied after its blocks had been taken: what was then received had no
-- room of its own, and could find the disk full.

local lfs = require "lfs"
local partials = require "spec.support.partials"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local SIZE = 4 << 20

local function blocks(path) return lfs.attributes(path, "blocks") end

---What an object takes when it begins to be received.
local function taken(record, left)
  local folder <close> = temp.folder()
  local disk <close> = stores.open(folder)
  local path = folder:file(partials.file(record))
  if left then folder:write(partials.file(record), left) end
  local partial <close> = assert(disk:incoming(stores.path "key", record))
  assert.equal(0, partial:missing(0))
  return blocks(path)
end

describe("a partial that is found without its hash list", function()
  it("has as much room as a new one", function()
    local folder <close> = temp.folder()
    local record = partials.seal(folder, stores.bytes(SIZE))
    local fresh = taken(record)
    assert.is_true(fresh * 512 >= SIZE)
    assert.equal(fresh, taken(record, ""))
    assert.equal(fresh, taken(record, "no chunk"))
  end)
end)
