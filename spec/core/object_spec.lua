---Objects that are in a store: reading and verifying them, and what rot and malice do to their files.

local independent = require "spec.support.independent"
local lfs = require "lfs"
local openssl = require "spec.support.openssl"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me, other = stores.me, stores.other
local CHUNK = independent.CHUNK

local function refused(code, value, err)
  assert.is_nil(value)
  assert.equal(code, err.code, err.message)
  return err.message
end

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
      assert.is_true(content == stores.drain(object:reader()))
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
      assert.is_true(assert(object:reader(size // 3)):save(path))
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
    assert.matches("no/such", refused("not_found", save(folder:file "no/such/file")), 1, true)
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
      local saver = assert(stores.object(disk, "key"):reader())
      local saving = runtime.spawn(saver.save, saver, folder:file "saved"):observe()
      runtime.sleep(0)
      saver:close()
      local saved, err = saving:join()
      assert.is_nil(saved)
      assert.equal("closed", err.code)
    end
  end)

  it("needs the key", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    local object <close> = assert(disk:object(me:raw_id(), stores.path "key"))
    assert.matches("content key", refused("invalid", stores.drain(object:reader())))
    refused("denied", store.unseal(other, object:record()))
    object:set_key(("k"):rep(32))
    assert.not_equal("content", stores.drain(object:reader()))
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
        local newer = at == #good - 11 and bit > 0 -- another format, maybe
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
    local newer = good:sub(1, -13) .. "\2\0\0\0" .. good:sub(-8)
    assert.matches("newer Filo", refused("unsupported", read_planted(folder, disk, newer)))
    refused("unsupported", disk:stat(me:raw_id(), stores.path "key"))
    -- It is not overwritten either: this Filo cannot know what it is.
    refused("unsupported", stores.try_put(disk, "content", { version = 99 }))
    assert.equal(newer, folder:read(stores.file "key"))
  end)

  it("with a bad chunk gives the others, and names it", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local content = stores.bytes(4 * CHUNK + 10)
    local good = sealed(folder, disk, content)
    for bad_chunk = 0, 4 do
      local at = 17 + bad_chunk * CHUNK + 5
      folder:write(stores.file "key", good:sub(1, at - 1) .. string.char(good:byte(at) ~ 1) .. good:sub(at + 1))
      local object <close> = stores.object(disk, "key")
      for chunk = 0, 4 do
        local from, to = chunk * CHUNK, math.min((chunk + 1) * CHUNK, #content)
        local reader <close> = assert(object:reader(from, to))
        if chunk == bad_chunk then
          assert.matches("chunk " .. chunk, refused("corrupt", stores.drain(reader)))
          assert.matches("chunk " .. chunk, refused("corrupt", object:verify_chunk(chunk)))
          refused("corrupt", stores.drain(object:reader(from + 5, from + 6)))
          refused("corrupt", object:reader():save(folder:file "saved"))
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

  it("that changes after it was opened is noticed", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    sealed(folder, disk, stores.bytes(2 * CHUNK))
    local object <close> = stores.object(disk, "key")
    local path = folder:file(stores.file "key")
    assert.is_true(object:verify_chunk(1))
    assert(os.execute(("printf x | dd of=%s bs=1 seek=%d conv=notrunc 2>/dev/null"):format(path, 16 + CHUNK + 5)))
    refused("corrupt", object:verify_chunk(1))
    refused("corrupt", stores.drain(object:reader(CHUNK)))
    assert(os.execute("truncate -s 1000 " .. path))
    refused("corrupt", stores.drain(object:reader()))
    refused("corrupt", object:verify_chunk(0))
    assert.matches("no chunk 2", refused("invalid", object:verify_chunk(2)))
    refused("invalid", object:verify_chunk(-1))
  end)

  it("of another namespace or no file at all is not believed", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "theirs", { identity = other })
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
        local hashes = file:sub(17 + size, 16 + size + (size > 0 and 32 or 0))
        assert.is_true(body == (size <= most and hashes .. file:sub(17, 16 + size) or nil))
      end
    end
    assert.error_matches(function() disk:sealed(me:raw_id(), "a", CHUNK + 1) end, "at most a chunk")
    assert.error_matches(function() disk:sealed(me:raw_id(), "a", -1) end, "at most a chunk")
  end)
end)

describe("a record", function()
  local identity = independent.identity(("k"):rep(32), ("s"):rep(32))
  local EMPTY_ROOT = openssl.sha256 "filo chunks v1"

  ---A record of no content with some fields changed, well signed.
  local function record(changes)
    local f = {
      version = 1, flags = 0, chunk_bits = 20, zero = 0, sealed = ("m"):rep(60), number = 5, size = 0,
      namespace = identity.id, key_hash = ("h"):rep(32), iv = ("i"):rep(16), root = EMPTY_ROOT,
    }
    for name, value in pairs(changes) do f[name] = value end
    local unsigned = ("<BBBBI4I8I8c32c32c16c32"):pack(f.version, f.flags, f.chunk_bits, f.zero, f.length or #f.sealed,
      f.number, f.size, f.namespace, f.key_hash, f.iv, f.root) .. f.sealed
    return unsigned .. openssl.ed25519_sign(identity.key, "filo record v1" .. unsigned)
  end

  it("that is right is read", function()
    for _, changes in ipairs {
      {}, { flags = 1 }, { flags = 2 }, { flags = 3 }, { number = 0 }, { size = 1 << 48 }, { sealed = ("m"):rep(65536) },
    } do
      local bytes = record(changes)
      local fields = assert(store.parse(bytes))
      assert.same(fields, store.peek(bytes))
      assert.equal(changes.size or 0, fields.size)
      assert.equal(changes.number or 5, fields.version)
    end
  end)

  it("with a field that makes no sense is refused, though it is signed", function()
    for _, changes in ipairs {
      { version = 0 }, { flags = 4 }, { flags = 128 }, { chunk_bits = 19 }, { chunk_bits = 0 }, { zero = 1 }, { length = 61 },
      { length = 59 }, { length = 0 }, { length = 0xffffffff }, { sealed = ("m"):rep(59) }, { sealed = ("m"):rep(65537) },
      { size = (1 << 48) + 1 }, { size = 1 << 62 }, { size = -1 }, { flags = 1, size = 1 }, { root = ("r"):rep(32) },
      { flags = 1, root = ("r"):rep(32) },
    } do
      local bytes = record(changes)
      refused("corrupt", store.parse(bytes))
      refused("corrupt", store.peek(bytes))
    end
    for _, version in ipairs { 2, 255 } do
      assert.matches("newer Filo", refused("unsupported", store.parse(record { version = version })))
    end
  end)

  it("with any one bit changed is refused", function()
    local bytes = record { size = 0 }
    for at = 1, #bytes do
      local bit = at % 8
      local ok, err = store.parse(bytes:sub(1, at - 1) .. string.char(bytes:byte(at) ~ 1 << bit) .. bytes:sub(at + 1))
      assert.is_nil(ok, "byte " .. at)
      assert.is_true(err.code == "corrupt" or err.code == "unsupported")
    end
  end)

  it("cut or lengthened anywhere is refused", function()
    local bytes = record {}
    for size = 0, #bytes - 1 do refused("corrupt", store.peek(bytes:sub(1, size))) end
    for size = 0, #bytes - 1, 37 do refused("corrupt", store.parse(bytes:sub(1, size))) end
    refused("corrupt", store.parse(bytes .. "\0"))
    refused("corrupt", store.parse(("\1"):rep(100000)))
  end)

  it("by somebody else is refused", function()
    local theirs = record { namespace = other:raw_id() } -- signed by us
    refused("corrupt", store.parse(theirs))
    assert(store.peek(theirs))
    refused("corrupt", store.parse(record { namespace = ("\0"):rep(32) }))
    refused("corrupt", store.parse(record { namespace = ("\xff"):rep(32) }))
  end)

  it("with metadata that was sealed otherwise is not unsealed", function()
    refused("corrupt", store.unseal(me, record {}))
    refused("denied", store.unseal(other, record {}))
    refused("corrupt", store.unseal(me, "\1junk"))
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local good = stores.put(disk, "content", { meta = "mine" })
    assert.same({ "mine" }, { select(2, store.unseal(me, good)) })
    -- The clear fields are the associated data: another key's metadata cannot be put into a record.
    local moved = good:sub(1, 56) .. ("x"):rep(32) .. good:sub(89)
    refused("corrupt", store.unseal(me, moved))
  end)
end)

describe("removing", function()
  it("takes the file and the folders that it leaves empty", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk <close> = stores.open(folder, { durability = durability })
      stores.put(disk, "a", { key = "a", path = "x/y/a" })
      stores.put(disk, "b", { key = "b", path = "x/b" })
      assert.is_true(disk:remove(me:raw_id(), "x/y/a"))
      refused("not_found", disk:remove(me:raw_id(), "x/y/a"))
      refused("not_found", disk:remove(me:raw_id(), "x"))
      refused("not_found", disk:remove(me:raw_id(), "x/b/c"))
      assert.same({ "b" }, stores.list(folder:file(("root/objects/%s/x"):format(me:id()))))
      assert.is_true(disk:remove(me:raw_id(), "x/b"))
      assert.same({}, stores.list(folder:file "root/objects"))
    end
  end)

  it("may be of one version only", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content", { version = 5 })
    refused("exists", disk:remove(me:raw_id(), stores.path "key", 4))
    refused("not_found", disk:remove(me:raw_id(), stores.path "key", 6))
    assert.equal("content", stores.get(disk, "key"))
    assert.is_true(disk:remove(me:raw_id(), stores.path "key", 5))
    refused("not_found", disk:remove(me:raw_id(), stores.path "key", 5))
  end)

  it("takes no neighbour that shares the path's start", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local paths = { "ab/cd/1", "ab/cd/2", "ab/ce/1", "ab/c", "ac/cd/1" }
    for _, path in ipairs(paths) do stores.put(disk, path, { key = path, path = path }) end
    for i, path in ipairs(paths) do
      assert(disk:remove(me:raw_id(), path))
      for j = i + 1, #paths do assert(disk:stat(me:raw_id(), paths[j])) end
    end
  end)

  it("and publishing at once leaves one or the other", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk <close> = stores.open(folder, { durability = durability })
      local tasks = {}
      for i = 1, 60 do
        tasks[i] = runtime.spawn(function()
          local path = "deep/" .. i % 5 .. "/" .. i % 3
          if i % 2 == 0 then
            local ok, err = stores.try_put(disk, "content", { key = path, path = path, version = i })
            assert(ok or err.code == "exists", err)
          else
            local ok, err = disk:remove(me:raw_id(), path)
            assert(ok or err.code == "not_found", err)
          end
        end)
      end
      for _, task in ipairs(tasks) do task:join() end
      assert.same({}, stores.drafts(folder))
      for _, path in ipairs { "deep/0/0", "deep/1/1", "deep/2/2" } do
        local ok, err = disk:remove(me:raw_id(), path)
        assert(ok or err.code == "not_found")
      end
    end
  end)
end)

describe("setting aside", function()
  it("keeps the bytes, out of the way", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content")
    local bytes = folder:read(stores.file "key")
    assert.is_true(disk:set_aside(me:raw_id(), stores.path "key"))
    refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
    refused("not_found", disk:set_aside(me:raw_id(), stores.path "key"))
    local names = stores.list(folder:file "root/bad")
    assert.equal(1, #names)
    assert.equal(bytes, folder:read("root/bad/" .. names[1]))
    assert.same({}, stores.list(folder:file "root/objects"))
    stores.put(disk, "again")
    assert.equal("again", stores.get(disk, "key"))
  end)

  it("keeps the newest 64", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 70 do
      stores.put(disk, "content", { key = "k" .. i, path = "p" .. i })
      assert(disk:set_aside(me:raw_id(), "p" .. i))
    end
    local names = stores.list(folder:file "root/bad")
    assert.equal(64, #names)
    assert.matches("%-p7$", names[1])
    assert.matches("%-p70$", names[64])
  end)

  it("copes with the longest name", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local path = ("x"):rep(255)
    stores.put(disk, "content", { path = path })
    assert(disk:set_aside(me:raw_id(), path))
    assert.equal(1, #stores.list(folder:file "root/bad"))
  end)
end)

describe("a walk", function()
  local function walk(disk, namespace)
    local found = {}
    local walker <close> = assert(disk:walk(namespace))
    repeat
      local entries = assert(walker:next())
      assert.is_true(#entries <= 64)
      for _, entry in ipairs(entries) do found[#found + 1] = entry end
    until #entries == 0
    assert.same({}, walker:next())
    table.sort(found, function(a, b) return a.path < b.path end)
    return found
  end

  it("sees every object once, of one namespace or of all", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    assert.same({}, walk(disk))
    assert.same({}, walk(disk, me:raw_id()))
    local records = {}
    for i = 1, 150 do
      local path = ("%s/%03d"):format(("d/"):rep(i % 7 + 1):sub(1, -2), i)
      records[path] = stores.put(disk, "content " .. i, { key = "k" .. i, path = path, version = i })
    end
    stores.put(disk, "theirs", { identity = other, path = "theirs" })
    local mine = walk(disk, me:raw_id())
    assert.equal(150, #mine)
    for _, entry in ipairs(mine) do
      local record = records[entry.path]
      assert.equal(record, entry.record)
      local fields = assert(store.parse(record))
      fields.path, fields.record = entry.path, record
      assert.same(fields, entry)
    end
    assert.equal(151, #walk(disk))
    assert.same({ "theirs" }, { walk(disk, other:raw_id())[1].path })
    assert.same({}, walk(disk, ("n"):rep(32)))
  end)

  it("tells what is no object", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "theirs", { identity = other, path = "theirs" })
    stores.put(disk, "good", { path = "good" })
    local namespace = "root/objects/" .. me:id() .. "/"
    stores.plant(folder, namespace .. "junk", "junk")
    stores.plant(folder, namespace .. "cut", folder:read(namespace .. "good"):sub(1, -2))
    stores.plant(folder, namespace .. "misplaced", folder:read("root/objects/" .. other:id() .. "/theirs"))
    assert(lfs.link("good", folder:file(namespace .. "link"), true))
    assert(os.execute("mkfifo " .. folder:file(namespace .. "pipe")))
    assert(lfs.mkdir(folder:file(namespace .. "empty")))
    assert(lfs.link("..", folder:file(namespace .. "up"), true))
    stores.plant(folder, "root/objects/no namespace/junk", "junk")
    stores.plant(folder, "root/objects/junk", "junk")
    local problems = {}
    for _, entry in ipairs(walk(disk)) do
      if entry.problem then
        assert.equal(me:raw_id(), entry.namespace)
        problems[entry.path] = entry.problem
      end
    end
    local expected = {}
    for _, name in ipairs { "junk", "cut", "misplaced", "link", "pipe", "up" } do expected[name] = "corrupt" end
    assert.same(expected, problems)
  end)

  it("goes on while objects come and go", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 200 do stores.put(disk, "x", { key = "k" .. i, path = "d" .. i % 20 .. "/" .. i }) end
    local walker <close> = assert(disk:walk())
    local seen = #assert(walker:next())
    for i = 1, 200 do
      if i % 2 == 0 then assert(disk:remove(me:raw_id(), "d" .. i % 20 .. "/" .. i)) end
      stores.put(disk, "x", { key = "new" .. i, path = "e" .. i })
    end
    repeat
      local entries = assert(walker:next())
      seen = seen + #entries
    until #entries == 0
    assert.is_true(seen >= 100)
  end)

  it("is for one task at a time, and can be given up", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for i = 1, 100 do stores.put(disk, "x", { key = "k" .. i, path = "p" .. i }) end
    local walker <close> = assert(disk:walk())
    local task = runtime.spawn(walker.next, walker):observe()
    runtime.sleep(0)
    assert.error_matches(function() walker:next() end, "another task")
    task:cancel()
    walker:close()
    disk:close()
    assert.error_matches(function() walker:next() end, "closed")
    assert.is_false(pcall(task.join, task))
  end)
end)
