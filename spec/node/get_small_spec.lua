---Small objects from peers are read as soon as they have come: the copy here is written meanwhile.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local refused = require "spec.support.refused"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

---A node that has lost the copy of "key", of some bytes, which a peer has.
local function without_copy(net, size, options)
  local a, b = net:cluster(2)
  local content = nodes.bytes(size)
  assert(a:store("key", content))
  nodes.drop(a, "key")
  if options then
    net:restart("a", options)
    a = net.nodes.a
    nodes.wait(function() return #a:peers() == 1 end, "the peer")
  end
  return a, content, b
end

describe("a small object that comes from a peer", function()
  it("is read in all ways, and is here afterwards", function()
    for _, size in ipairs { 0, 1, 1000, 65536, 65537 } do
      local net <close> = nodes.net()
      local a, content = without_copy(net, size)
      do
        local object <close> = assert(a:get "key")
        assert.equal("peers", object.from)
        assert.equal(content:sub(1, 7), object:read(7) or "")
        assert.equal(content:sub(8), object:read "a")
        assert.equal(content:sub(3, 12), object:range(2, 10))
        local path = net.folder:file "saved"
        assert(object:save(path))
        assert.equal(content, net.folder:read "saved")
      end
      assert.equal("here", assert(a:fetch "key").from)
      assert.equal(content, nodes.content(a, "key"))
      assert.is_true(a:verify "key")
    end
  end)

  it("is had though there is no room to keep it; to fetch it fails", function()
    local net <close> = nodes.net()
    local a, content = without_copy(net, 1000, { reserve = 1 << 60 })
    assert.equal(content, nodes.content(a, "key"))
    refused("no_space", a:fetch "key")
    assert.equal(content, nodes.content(a, "key"))
    assert.is_nil(next(stores.list(a.root .. "/tmp")))
  end)

  it("is waited for by who removes the copy here", function()
    local net <close> = nodes.net()
    local a, content = without_copy(net, 1000)
    assert.equal(content, nodes.content(a, "key"))
    assert.is_true(a:evict "key")
    assert.equal("peers", assert(a:stat "key").from)
  end)

  it("is had by many at once", function()
    local net <close> = nodes.net()
    local a, content = without_copy(net, 1000)
    local tasks = {}
    for i = 1, 100 do tasks[i] = filo.spawn(nodes.content, a, "key") end
    for _, each in ipairs(tasks) do assert.equal(content, each:join()) end
    assert.equal("here", assert(a:fetch "key").from)
    nodes.wait(function() return not next(stores.list(a.root .. "/tmp")) end, "end of what is written")
  end)
end)

describe("a small object that is saved", function()
  it("is a good one though the copy here rots meanwhile", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs { 1, 1000, 65536 } do
      local content, path = nodes.bytes(size), net.folder:file("saved " .. size)
      assert(a:store("key", content))
      local object <close> = assert(a:get "key")
      nodes.flip(nodes.place(a, a, "key"), 0)
      assert(object:save(path))
      assert.equal(content, net.folder:read("saved " .. size))
      nodes.kept(a, "key")
    end
  end)

  it("leaves what was there when no good one is to be had", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    local path = net.folder:write("saved", "before")
    local object <close> = assert(a:get "key")
    nodes.flip(nodes.place(a, a, "key"), 0)
    refused("corrupt", object:save(path))
    assert.equal("before", net.folder:read "saved")
    refused("io", object:save(net.folder:file "none/saved"))
    assert.same({ "a", "saved" }, stores.list(net.folder.path))
  end)
end)

describe("store:in_hand", function()
  local function sealed(disk, content, what)
    stores.put(disk, content, what)
    local _, record, body = assert(disk:sealed(stores.me:raw_id(), stores.path(what and what.key or "key"), 65536))
    return record, body
  end

  it("gives what a body has, without a file", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for _, plain in ipairs { false, true } do
      for _, size in ipairs { 0, 1, 65536 } do
        local content, key = crypto.random(size), size .. tostring(plain)
        local record, body = sealed(disk, content, { key = key, plain = plain })
        assert(disk:remove(stores.me:raw_id(), stores.path(key)))
        local object <close> = assert(disk:in_hand(record, body))
        assert.equal(record, object:record())
        assert.equal(size, object:fields().size)
        object:set_key((assert(store.unseal(stores.me, record))))
        assert.equal(content, object:content())
        assert.equal(content, stores.read(object))
        assert.equal(content:sub(4, 10), stores.read(object, 3, 10))
      end
    end
  end)

  it("takes no body that is not what the record says", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local record, body = sealed(disk, "content")
    for at = 1, #body do
      local bad = body:sub(1, at - 1) .. string.char(body:byte(at) ~ 1) .. body:sub(at + 1)
      refused("corrupt", disk:in_hand(record, bad))
    end
    for _, bad in ipairs { "", body:sub(1, -2), body .. "x" } do refused("corrupt", disk:in_hand(record, bad)) end
  end)

  it("takes no record that was not verified", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local record, body = sealed(disk, "content")
    local forged = record:sub(1, -2) .. string.char(record:byte(-1) ~ 1) -- the signature
    assert.same({ nil, nil }, { disk:in_hand(forged, body) })
    refused("corrupt", disk:in_hand("", body))
  end)
end)
