-- A partial with good chunks was deleted when its blocks could not be taken.

local deaf = require "spec.support.deaf"
local partials = require "spec.support.partials"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local SIZE = 4 << 20

local OPEN = [[
  local store = require "filo.core.store"
  local stores = require "spec.support.stores"
  local disk <close> = assert(store.open(arg[1], stores.me:raw_id(), "none", math.tointeger(arg[3])))
  local file <close> = assert(io.open(arg[2], "rb"))
  local partial <close>, err = disk:incoming(stores.path "key", file:read "a")
  print(err and err.code or partial:missing(0))
]]

describe("a partial that cannot be opened", function()
  it("is kept with what had come", function()
    local folder <close> = temp.folder()
    local other <close> = temp.folder()
    local record, sealed = partials.seal(other, stores.bytes(SIZE))
    stores.open(folder):close()
    partials.fill(folder:file(partials.file(record)), sealed, SIZE, 3)
    local function open(flushes, reserve)
      return deaf.run(folder, flushes, OPEN, folder:file "root", folder:write("record", record), tostring(reserve))
    end
    assert.equal("io\n", open("fallocate", 0))
    assert.equal("no_space\n", open("", 1 << 60))
    assert.equal("3\n", open("", 0))
  end)

  it("is not made when there was none", function()
    local folder <close> = temp.folder()
    local other <close> = temp.folder()
    local record = partials.seal(other, stores.bytes(SIZE))
    local disk <close> = stores.open(folder, { reserve = 1 << 60 })
    assert.equal("no_space", select(2, disk:incoming(stores.path "key", record)).code)
    assert.same({}, stores.drafts(folder))
  end)
end)
