-- A partial whose hash list could not be read for a moment was emptied, and all that had come of it fetched again.

local deaf = require "spec.support.deaf"
local lfs = require "lfs"
local partials = require "spec.support.partials"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local SIZE = (4 << 20) + 5

local OPEN = [[
  local store = require "filo.core.store"
  local stores = require "spec.support.stores"
  local disk <close> = assert(store.open(arg[1], stores.me:raw_id(), "none", 0))
  local file <close> = assert(io.open(arg[2], "rb"))
  local partial <close>, err = disk:incoming(stores.path "key", file:read "a")
  print(err and err.code .. ": " .. tostring(err) or partial:missing(0))
]]

describe("a partial that cannot be read for a moment", function()
  it("stays as it is, and is resumed afterwards", function()
    local folder <close> = temp.folder()
    local other <close> = temp.folder()
    local record, sealed = partials.seal(other, stores.bytes(SIZE))
    local file = folder:write("record", record)
    stores.open(folder):close()
    local partial = folder:file(partials.file(record))
    partials.fill(partial, sealed, SIZE, 3)
    local function open(failing) return deaf.run(folder, failing, OPEN, folder:file "root", file) end
    local blocks = lfs.attributes(partial, "blocks")
    local said = open("pread64@" .. partials.IV + SIZE)
    assert.matches("^io: cannot read .*/tmp/%x+%.part: Input/output error; it is kept: remove it if that lasts\n$", said)
    assert.equal(blocks, lfs.attributes(partial, "blocks"))
    assert.equal("3\n", open "")
  end)

  it("lacks the chunks that cannot be read, and no others", function()
    local folder <close> = temp.folder()
    local other <close> = temp.folder()
    local record, sealed = partials.seal(other, stores.bytes(SIZE))
    local file = folder:write("record", record)
    stores.open(folder):close()
    partials.fill(folder:file(partials.file(record)), sealed, SIZE, 3)
    local failing = "pread64@" .. partials.IV + partials.CHUNK
    assert.equal("1\n", deaf.run(folder, failing, OPEN, folder:file "root", file))
  end)
end)
