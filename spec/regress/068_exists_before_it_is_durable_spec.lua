-- A copy that was offered again was acknowledged as there already when it had been renamed to its place, but the flush of its folder
-- was still to come, or had failed.

local deaf = require "spec.support.deaf"
local temp = require "spec.support.temp"

---Stores an object and offers it again, whole and in parts.
local OFFER_AGAIN = [[
  local store = require "filo.core.store"
  local stores = require "spec.support.stores"
  local disk <close> = assert(store.open(arg[1], stores.me:raw_id(), arg[2]))
  local _, err = stores.try_put(disk, "content")
  local _, record, body = disk:sealed(stores.me:raw_id(), stores.path "key", 1000)
  print(err and err.code or "stored")
  print((select(2, disk:incoming(stores.path "key", record, body))).code, (select(2, disk:incoming(stores.path "key", record))).code)
]]

describe("a copy that is offered and is here already", function()
  it("is flushed before that is said, if it was not", function()
    local folder <close> = temp.folder()
    local root = folder:file "root"
    deaf.run(folder, "", [[require "filo.core.store".open(arg[1], require "spec.support.stores".me:raw_id(), "full"):close()]], root)
    assert.equal("io\nio\tio\n", deaf.run(folder, "fsync", OFFER_AGAIN, root, "group"))
    assert.equal("exists\nexists\texists\n", deaf.run(folder, "", OFFER_AGAIN, root, "group"))
    assert.equal("exists\nexists\texists\n", deaf.run(folder, "fsync", OFFER_AGAIN, root, "none"))
  end)
end)
