-- A copy that was offered again was acknowledged as there already when it had been renamed to its place, but the flush of its folder
-- was still to come, or had failed.

local deaf = require "spec.support.deaf"
local temp = require "spec.support.temp"

local OFFER_AGAIN = [[
  local store = require "filo.core.store"
  local stores = require "spec.support.stores"
  local disk <close> = assert(store.open(arg[1], stores.me:raw_id(), arg[2]))
  if arg[3] then stores.put(disk, "content") end
  local fields, record, body = disk:sealed(stores.me:raw_id(), stores.path "key", 1000)
  print((select(2, disk:incoming(stores.path "key", record, body))).code, (select(2, disk:incoming(stores.path "key", record))).code)
]]

describe("a copy that is offered and is here already", function()
  it("is flushed before that is said", function()
    for _, durability in ipairs { "full", "group" } do
      local folder <close> = temp.folder()
      local root = folder:file "root"
      assert.equal("exists\texists\n", deaf.run(folder, "", OFFER_AGAIN, root, durability, "store"))
      assert.equal("io\tio\n", deaf.run(folder, "fsync", OFFER_AGAIN, root, durability))
      assert.equal("exists\texists\n", deaf.run(folder, "", OFFER_AGAIN, root, durability))
      assert.equal("exists\texists\n", deaf.run(folder, "fsync", OFFER_AGAIN, root, "none"))
    end
  end)
end)
