---What the system has in memory of small objects is read where it is asked for, and believed no more than the rest.

local crypto = require "filo.core.crypto"
local filo = require "filo"
local refused = require "spec.support.refused"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me
local SMALL = 64 << 10

---Whether the system can tell what it has in memory of files in a folder: the one of memory itself cannot.
local function tells(folder)
  local disk <close> = stores.open(folder)
  stores.put(disk, "content", { key = "probe" })
  local object <close> = stores.object(disk, "probe")
  return object:content() ~= nil
end

describe("a small object whose file is in memory", function()
  it("is had whole without a reader", function()
    local folder <close> = temp.folder()
    if not tells(folder) then return pending "this file system waits for the disk" end
    local disk <close> = stores.open(folder)
    for _, size in ipairs { 0, 1, 1024, 4096, SMALL } do
      for _, plain in ipairs { false, true } do
        local content = crypto.random(size)
        stores.put(disk, content, { key = size .. tostring(plain), plain = plain })
        local object <close> = stores.object(disk, size .. tostring(plain))
        assert.equal(content, object:content())
        assert.equal(content, stores.read(object))
      end
    end
  end)

  it("is had by a reader when it is larger, or its key is not known", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, crypto.random(SMALL + 1), { key = "large" })
    local large <close> = stores.object(disk, "large")
    assert.is_nil(large:content())
    stores.put(disk, "content", { key = "sealed" })
    local sealed <close> = assert(disk:object(me:raw_id(), stores.path "sealed"))
    assert.is_nil(sealed:content())
  end)

  it("is not had once its content has rotted: a reader says so", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content", { meta = "\xa1dnamecone" })
    local good = folder:read(stores.file "key")
    do
      local object <close> = stores.object(disk, "key")
      assert.equal("content", object:content() or stores.read(object))
    end
    folder:write(stores.file "key", string.char(good:byte(1) ~ 1) .. good:sub(2)) -- where it lies
    local object <close> = stores.object(disk, "key")
    assert.is_nil(object:content())
    refused("corrupt", stores.read(object))
  end)

  it("is not had once its record has changed: opening says so", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    local good = folder:read(stores.file "key")
    assert(disk:stat(me:raw_id(), stores.path "key"))
    for _, from_end in ipairs { 1, 17, 100, 250 } do
      local at = #good - from_end
      folder:write(stores.file "key", good:sub(1, at - 1) .. string.char(good:byte(at) ~ 1) .. good:sub(at + 1))
      refused("corrupt", disk:stat(me:raw_id(), stores.path "key"))
      refused("corrupt", disk:object(me:raw_id(), stores.path "key"))
      refused("corrupt", disk:sealed(me:raw_id(), stores.path "key", 100))
    end
    folder:write(stores.file "key", good)
    assert.equal("content", stores.get(disk, "key"))
  end)

  it("is another one once another process has put it there", function()
    local folder <close> = temp.folder()
    local elsewhere <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "old")
    assert.equal("old", stores.get(disk, "key"))
    local other <close> = stores.open(elsewhere)
    stores.put(other, "new", { version = 2 })
    folder:write(stores.file "key", elsewhere:read(stores.file "key"))
    assert.equal("new", stores.get(disk, "key"))
    os.remove(folder:file(stores.file "key"))
    refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
    refused("not_found", disk:object(me:raw_id(), stores.path "key"))
  end)

  it("is looked at in turn: who asks again and again keeps nobody else waiting", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    local ended = false
    filo.spawn(function() ended = true end)
    local deadline = filo.now() + 5
    while not ended and filo.now() < deadline do assert(disk:stat(me:raw_id(), stores.path "key")) end
    assert.is_true(ended)
  end)

  it("is asked for in vain by a task that was cancelled", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    local task = filo.spawn(function()
      while true do assert(disk:stat(me:raw_id(), stores.path "key")) end
    end):observe()
    filo.sleep(0)
    task:cancel()
    assert.is_false(pcall(task.join, task))
    assert.truthy(store.peek(select(2, disk:stat(me:raw_id(), stores.path "key"))))
  end)
end)
