---Objects that are in a store, and what rot and malice do to their files.

local b3sum = require "spec.support.b3sum"
local independent = require "spec.support.independent"
local refused = require "spec.support.refused"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me, other = stores.me, stores.other
local CHUNK = independent.CHUNK

describe("a sealed object's file", function()
  ---Plants these bytes as the object and reads all of it.
  local function read_planted(folder, disk, bytes)
    stores.plant(folder, stores.file "key", bytes)
    local object <close>, err = disk:object(me:raw_id(), stores.path "key")
    if not object then return nil, err end
    local key
    key, err = store.unseal(me, object:record())
    if not key then return nil, err end
    object:set_key(key)
    local reader <close> = assert(object:reader())
    return stores.drain(reader)
  end

  local function sealed(folder, disk, content)
    stores.put(disk, content, { meta = "\xa1dnamecone" })
    return folder:read(stores.file "key")
  end

  it("with any one byte changed is never read", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local content = stores.bytes(100)
    local good = sealed(folder, disk, content)
    for at = 1, #good do
      for bit = at % 3, 7, 3 do
        local bad = good:sub(1, at - 1) .. string.char(good:byte(at) ~ 1 << bit) .. good:sub(at + 1)
        local read, err = read_planted(folder, disk, bad)
        assert.is_nil(read, "byte " .. at)
        local newer = at == #good - 11 and bit ~= 1 -- another format, maybe
        assert.equal(newer and "unsupported" or "corrupt", err.code, "byte " .. at)
      end
    end
    assert.equal(content, read_planted(folder, disk, good))
  end)

  it("cut or lengthened anywhere is never read", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local good = sealed(folder, disk, stores.bytes(100))
    for size = 0, #good - 1 do refused("corrupt", read_planted(folder, disk, good:sub(1, size))) end
    for at = 0, #good - 1 do
      refused("corrupt", read_planted(folder, disk, good:sub(1, at) .. "\0" .. good:sub(at + 1)))
      refused("corrupt", read_planted(folder, disk, good:sub(1, at) .. good:sub(at + 2)))
    end
    for _, more in ipairs { "\0", good, ("\0"):rep(5000) } do
      refused("corrupt", read_planted(folder, disk, good .. more))
    end
    assert.truthy(read_planted(folder, disk, good))
  end)

  it("of a newer format says so", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local good = sealed(folder, disk, "content")
    local newer = good:sub(1, -13) .. "\3\0\0\0" .. good:sub(-8)
    assert.matches("newer Filo", refused("unsupported", read_planted(folder, disk, newer)))
    refused("unsupported", disk:stat(me:raw_id(), stores.path "key"))
    -- It is not overwritten either: this Filo cannot know what it is.
    refused("unsupported", stores.try_put(disk, "content", { version = 99 }))
    assert.equal(newer, folder:read(stores.file "key"))
  end)

  it("gives the hash of a chunk's bytes under a key, as b3sum does", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local good, key = sealed(folder, disk, stores.bytes(CHUNK + 10)), ("k"):rep(32)
    local object <close> = stores.object(disk, "key")
    assert.is_true(b3sum.keyed(key, good:sub(1, CHUNK)) == object:prove_chunk(0, key))
    assert.is_true(b3sum.keyed(key, good:sub(CHUNK + 1, CHUNK + 10)) == object:prove_chunk(1, key))
    assert.matches("no chunk 2", refused("invalid", object:prove_chunk(2, key)))
    folder:write(stores.file "key", good:sub(1, 5) .. string.char(good:byte(6) ~ 1) .. good:sub(7))
    local bad <close> = stores.object(disk, "key")
    refused("corrupt", bad:prove_chunk(0, key))
  end)

  -- It counted as verified, though what was hashed first was not there any more.
  it("that is written to while it is hashed is not called verified", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    sealed(folder, disk, stores.bytes(2 * CHUNK))
    local path = folder:file(stores.file "key")
    local function verified() return (select(4, disk:sealed(me:raw_id(), stores.path "key", 0))) end
    for i, changed in ipairs { false, true } do
      assert(os.execute(("touch -d 2001-01-0%d %s"):format(i, temp.quote(path))))
      assert.is_nil(verified())
      local object <close> = assert(disk:object(me:raw_id(), stores.path "key", true))
      for chunk = 0, 1 do assert.is_true(object:verify_chunk(chunk)) end
      if changed then assert(os.execute("touch -d 2002-02-02 " .. temp.quote(path))) end
      object:mark_verified()
      assert.equal(changed, verified() == nil)
    end
  end)

  it("with a bad chunk gives the others, and names it", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local content = stores.bytes(4 * CHUNK + 10)
    local good = sealed(folder, disk, content)
    for bad_chunk = 0, 4 do
      local at = 1 + bad_chunk * CHUNK + 5
      folder:write(stores.file "key", good:sub(1, at - 1) .. string.char(good:byte(at) ~ 1) .. good:sub(at + 1))
      local object <close> = stores.object(disk, "key")
      for chunk = 0, 4 do
        local from, to = chunk * CHUNK, math.min((chunk + 1) * CHUNK, #content)
        local reader <close> = assert(object:reader(from, to))
        if chunk == bad_chunk then
          assert.matches("chunk " .. chunk, refused("corrupt", stores.drain(reader)))
          assert.matches("chunk " .. chunk, refused("corrupt", object:verify_chunk(chunk)))
          refused("corrupt", stores.read(object, from + 5, from + 6))
          local saver <close> = assert(object:reader())
          refused("corrupt", saver:save(folder:file "saved"))
        else
          assert.is_true(content:sub(from + 1, to) == stores.drain(reader))
          assert.is_true(object:verify_chunk(chunk))
        end
      end
      -- In order, what comes before the bad chunk, and no more.
      local reader <close> = assert(object:reader())
      local got, err = 0, nil
      while not err do
        local piece
        piece, err = reader:read(CHUNK)
        got = got + #(piece or "")
      end
      assert.equal(bad_chunk * CHUNK, got)
      refused("corrupt", reader:read(1))
    end
  end)

  it("that is small, and was bad when it was opened, is read when it is good by then", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local content = stores.bytes(100)
    local good = sealed(folder, disk, content)
    stores.object(disk, "key"):close() -- its record is known
    folder:write(stores.file "key", string.char(good:byte() ~ 1) .. good:sub(2))
    local object <close> = stores.object(disk, "key")
    assert.is_nil(object:content())
    folder:write(stores.file "key", good)
    assert.equal(content, stores.read(object))
    assert.equal(content, object:content() or content) -- nil where the file system has nothing in memory
  end)

  it("gives its metadata, and its content from then on, to who has the keys", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for _, size in ipairs { 100, CHUNK + 1 } do
      local content = stores.bytes(size)
      sealed(folder, disk, content)
      local object <close> = assert(disk:object(me:raw_id(), stores.path "key"))
      refused("denied", object:unseal(other))
      refused("invalid", stores.read(object))
      assert.equal("\xa1dnamecone", object:unseal(me))
      assert.is_true(content == stores.read(object))
      assert(disk:remove(me:raw_id(), stores.path "key"))
    end
  end)

  it("that changes after it was opened is noticed", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    sealed(folder, disk, stores.bytes(2 * CHUNK))
    local object <close> = stores.object(disk, "key")
    local path = folder:file(stores.file "key")
    assert.is_true(object:verify_chunk(1))
    assert(os.execute(("printf x | dd of=%s bs=1 seek=%d conv=notrunc 2>/dev/null"):format(path, CHUNK + 5)))
    refused("corrupt", object:verify_chunk(1))
    refused("corrupt", stores.read(object, CHUNK))
    assert(os.execute("truncate -s 1000 " .. path))
    refused("corrupt", stores.read(object))
    refused("corrupt", object:verify_chunk(0))
    assert.matches("no chunk 2", refused("invalid", object:verify_chunk(2)))
    refused("invalid", object:verify_chunk(-1))
  end)

  it("of another namespace or no file at all is not believed", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "theirs", { keys = other })
    local theirs = folder:read(stores.file("key", other))
    assert.matches("another namespace", refused("corrupt", read_planted(folder, disk, theirs)))
    refused("corrupt", disk:stat(me:raw_id(), stores.path "key"))
    local path = folder:file(stores.file "key")
    for _, make in ipairs { "mkfifo", "mkdir", "ln -s /dev/zero" } do
      assert(os.remove(path))
      assert(os.execute(make .. " " .. path))
      assert.is_nil((disk:object(me:raw_id(), stores.path "key")))
      assert.is_nil((disk:stat(me:raw_id(), stores.path "key")))
    end
    assert(os.remove(path))
    stores.put(disk, "a file")
    for _, case in ipairs { "no/such", stores.path "key" .. "/below" } do
      refused("not_found", disk:object(me:raw_id(), case))
      refused("not_found", disk:stat(me:raw_id(), case))
      refused("not_found", disk:sealed(me:raw_id(), case, 0))
    end
  end)

  it("is given whole when it is small", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for version, size in ipairs { 0, 1, 1000, CHUNK, CHUNK + 1 } do
      local record = stores.put(disk, stores.bytes(size), { version = version })
      for _, most in ipairs { 0, 1, 1000, CHUNK } do
        local fields, same, body = assert(disk:sealed(me:raw_id(), stores.path "key", most))
        assert.equal(size, fields.size)
        assert.equal(record, same)
        local file = folder:read(stores.file "key")
        local hashes = file:sub(1 + size, size + (size > 0 and 32 or 0))
        assert.is_true(body == (size <= most and hashes .. file:sub(1, size) or nil))
      end
    end
    assert.error_matches(function() disk:sealed(me:raw_id(), "a", CHUNK + 1) end, "at most a chunk")
    assert.error_matches(function() disk:sealed(me:raw_id(), "a", -1) end, "at most a chunk")
  end)
end)
