---Reading objects that are in a store.

local independent = require "spec.support.independent"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me, other = stores.me, stores.other
local CHUNK = independent.CHUNK

describe("a reader", function()
  it("starts and stops anywhere", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for version, size in ipairs { 0, 1, 100, CHUNK, CHUNK + 1, 3 * CHUNK + 12345 } do
      local content = stores.bytes(size)
      stores.put(disk, content, { version = version })
      local object <close> = stores.object(disk, "key")
      local at = { 0, 1, 15, 16, 17, 65535, 65536, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 5, size - 1, size, size + 1, size * 2 }
      for i, offset in ipairs(at) do
        for _, stop in ipairs { at[#at - i + 1], offset + 1, offset + 1000, size } do
          if offset >= 0 and stop >= 0 then
            local reader <close> = assert(object:reader(offset, stop))
            assert.is_true(content:sub(offset + 1, stop) == stores.drain(reader), ("%d to %d of %d"):format(offset, stop, size))
            assert.is_nil((reader:read(1)))
          end
        end
      end
      assert.is_true(content == stores.read(object))
    end
  end)

  it("gives as much as is asked for at most", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local content = stores.bytes(2 * CHUNK + 100)
    stores.put(disk, content)
    local object <close> = stores.object(disk, "key")
    for _, max in ipairs { 1000, 65536, CHUNK, 10 * CHUNK, math.maxinteger } do
      local reader <close> = assert(object:reader())
      local pieces = {}
      for piece in function() return reader:read(max) end do
        assert.is_true(#piece > 0 and #piece <= max)
        pieces[#pieces + 1] = piece
      end
      assert.is_true(content == table.concat(pieces))
    end
  end)

  it("saves everything", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for version, size in ipairs { 0, 1, CHUNK, 5 * CHUNK + 7 } do
      local content = stores.bytes(size)
      stores.put(disk, content, { version = version })
      local object <close> = stores.object(disk, "key")
      local path = folder:write("saved", ("old"):rep(10000))
      local reader <close> = assert(object:reader())
      assert.is_true(reader:save(path))
      assert.is_true(content == folder:read "saved")
      local late <close> = assert(object:reader(size // 3))
      assert.is_true(late:save(path))
      assert.is_true(content:sub(size // 3 + 1) == folder:read "saved")
    end
  end)

  it("says where it cannot save", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, stores.bytes(3 * CHUNK))
    local object <close> = stores.object(disk, "key")
    local function save(path)
      local reader <close> = assert(object:reader())
      return reader:save(path)
    end
    assert.matches("no/such", refused("io", save(folder:file "no/such/file")), 1, true)
    assert.is_nil((save(folder.path)))
    refused("no_space", save "/dev/full")
  end)

  it("has one use", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, stores.bytes(5 * CHUNK))
    local object <close> = stores.object(disk, "key")
    local reading <close> = assert(object:reader())
    assert(reading:read(1))
    assert.error_matches(function() reading:save(folder:file "saved") end, "begun already")
    local saving <close> = assert(object:reader())
    assert(saving:save(folder:file "saved"))
    assert.error_matches(function() saving:save(folder:file "saved") end, "begun already")
    assert.error_matches(function() saving:read(1) end, "saves to a file")
  end)

  it("can be given up at any time", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, stores.bytes(8 * CHUNK))
    for _ = 1, 10 do
      local object = stores.object(disk, "key")
      local reader = assert(object:reader())
      object:close()
      local task = runtime.spawn(reader.read, reader, 10):observe()
      runtime.sleep(0)
      task:cancel()
      reader:close()
      local again <close> = stores.object(disk, "key")
      local saver = assert(again:reader())
      local saving = runtime.spawn(saver.save, saver, folder:file "saved"):observe()
      runtime.sleep(0)
      saver:close()
      local saved, err = saving:join()
      assert.is_nil(saved)
      assert.equal("closed", err.code)
    end
    assert(disk:wait_idle()) -- the files of saves are gone then
  end)

  it("needs the key", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    local object <close> = assert(disk:object(me:raw_id(), stores.path "key"))
    assert.matches("content key", refused("invalid", stores.read(object)))
    refused("denied", store.unseal(other, object:record()))
    object:set_key(("k"):rep(32))
    assert.not_equal("content", stores.read(object))
  end)

  it("refuses misuse at the caller's line", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    local object <close> = stores.object(disk, "key")
    local reader <close> = object:reader()
    assert.error_matches(function() reader:read(0) end, "1 or more")
    assert.error_matches(function() reader:read(-1) end, "1 or more")
    assert.error_matches(function() reader:read() end, "number expected")
    assert.error_matches(function() object:reader(-1) end, "0 or more")
    assert.error_matches(function() object:set_key "short" end, "32 bytes")
    reader:close()
    assert.error_matches(function() reader:read(1) end, "closed")
    object:close()
    assert.error_matches(function() object:fields() end, "closed")
  end)
end)
