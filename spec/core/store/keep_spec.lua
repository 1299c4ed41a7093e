---A small object that has come whole is kept in one call.

local crypto = require "filo.core.crypto"
local refused = require "spec.support.refused"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me

---What an object's file has, sealed in another store.
local function sealed(content, what)
  local folder <close> = temp.folder()
  local disk <close> = stores.open(folder)
  stores.put(disk, content, what)
  local _, record, body = assert(disk:sealed(me:raw_id(), stores.path "key", 1 << 20))
  return record, body
end

describe("store:keep", function()
  for _, durability in ipairs { "full", "group", "none" } do
    it("publishes what has come whole, with durability " .. durability, function()
      local folder <close> = temp.folder()
      local disk <close> = stores.open(folder, { durability = durability })
      for version, size in ipairs { 0, 1, 1000, 65536 } do
        local content = crypto.random(size)
        local record, body = sealed(content, { version = version })
        assert.is_true(disk:keep(stores.path "key", record, body))
        assert.equal(content, stores.get(disk, "key"))
        assert.same({}, stores.drafts(folder))
      end
    end)
  end

  it("takes nothing that is bad, old, another's or without room, and leaves nothing of it", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local record, body = sealed("content", { version = 5 })
    local path = stores.path "key"
    refused("corrupt", disk:keep(path, record, body:sub(1, -2) .. "x"))
    refused("corrupt", disk:keep(path, record, body .. "x"))
    refused("corrupt", disk:keep(path, record:sub(1, -2) .. string.char(record:byte(-1) ~ 1), body))
    refused("not_found", disk:stat(me:raw_id(), path))
    assert.is_true(disk:keep(path, record, body))
    refused("exists", disk:keep(path, record, body))
    local older, its_body = sealed("older", { version = 4 })
    refused("exists", disk:keep(path, older, its_body))
    assert.equal("content", stores.get(disk, "key"))
    assert.same({}, stores.drafts(folder))
    local full <close> = temp.folder()
    local full_disk <close> = stores.open(full, { reserve = 1 << 60 })
    refused("no_space", full_disk:keep(path, record, body))
    assert.same({}, stores.drafts(full))
  end)
end)
