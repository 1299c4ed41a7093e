---What Lua holds of the core's things: closed by its method, by `<close>` and by the collector.

local crypto = require "filo.core.crypto"
local net = require "filo.core.net"
local raises = require "spec.support.raises"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local function opened(folder, name) return assert(store.open(folder:file(name), stores.me:raw_id())) end

---The name of each, and a function that gives one and what uses it.
local kinds = {
  { "hasher", function() return crypto.hasher "sha256", function(h) h:update "x" end end },
  { "cipher", function() return crypto.ctr(("k"):rep(32), ("i"):rep(16)), function(h) h:crypt "x" end end },
  { "keys", function() return assert(crypto.identity_generate()):namespace(), function(h) h:id() end end },
  { "identity", function() return assert(crypto.identity_generate()), function(h) h:id() end end },
  { "listener", function() return assert(net.listen "127.0.0.1:0"), function(h) h:address() end end },
  { "TLS settings", function()
    return assert(net.tls(assert(crypto.identity_generate()))), function(h) net.dial("127.0.0.1:1", { tls = h, id = ("i"):rep(32) }) end
  end },
  { "store", function(folder) return opened(folder, "root"), function(h) h:space() end end },
  { "walk", function(folder)
    local disk <close> = opened(folder, "walked")
    return assert(disk:walk()), function(h) h:next() end
  end },
  { "deposit", function(folder)
    local disk <close> = opened(folder, "deposited")
    return assert(disk:deposit()), function(h) h:progress() end
  end },
}

for _, case in ipairs(kinds) do
  local kind, make = case[1], case[2]
  describe(("a handle (%s)"):format(kind), function()
    it("may be closed twice, and is no good any more then", function()
      local folder <close> = temp.folder()
      local handle, use = make(folder)
      handle:close()
      handle:close()
      raises(kind .. " %a+ closed", function() use(handle) end)
    end)

    it("is closed at the end of its block", function()
      local folder <close> = temp.folder()
      local handle, use = make(folder)
      do local _ <close> = handle end
      raises("closed", function() use(handle) end)
    end)

    it("is no handle of another kind", function()
      local folder <close> = temp.folder()
      local handle <close> = make(folder)
      local other <close> = assert(net.open "/dev/null")
      raises("bad %a+", function() handle.close(other) end)
      raises("bad %a+", function() handle.close(nil) end)
    end)
  end)
end

describe("a handle", function()
  it("that nobody has any more is closed by the collector", function()
    local folder <close> = temp.folder()
    local root = folder:file "root"
    assert(store.open(root, stores.me:raw_id()))
    collectgarbage()
    local again <close> = assert(store.open(root, stores.me:raw_id()))
    assert.is_truthy(again:space())
  end)
end)
