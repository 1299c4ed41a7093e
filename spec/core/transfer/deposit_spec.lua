---Content on its way into a store.

local crypto = require "filo.core.crypto"
local independent = require "spec.support.independent"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me
local CHUNK = independent.CHUNK

---Waits until nothing is being written any more.
local function settled(folder)
  nodes.wait(function() return #stores.drafts(folder) == 0 end, "end of what is being written")
end

---Waits until the root is let go.
local function let_go(folder)
  settled(folder)
  nodes.wait(function()
    local disk <close>, err = store.open(stores.root(folder), me:raw_id(), "none")
    assert.is_true(disk ~= nil or err.code == "locked")
    return disk
  end, "end of the lock")
end

local function deposit_pieces(disk, content, step, options)
  local deposit <close> = assert(disk:deposit(options.size, options.plain or false, options.digest or false))
  for at = 1, #content, step do
    if deposit:write(content:sub(at, at + step - 1)) ~= true then error "a piece was not taken" end -- assert is slow for so many
  end
  local size, digest = assert(deposit:finish())
  assert.equal(#content, size)
  assert.equal(#content, deposit:progress())
  assert.equal(options.digest and crypto.digest("sha256", content) or nil, digest)
  return assert(deposit:publish(me, stores.version(stores.key_hash "key", options.version, ""), stores.path "key"))
end

describe("a deposit of strings", function()
  it("takes pieces of any size", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local version = 0
    for _, size in ipairs { 0, 1, 65536, 65537, CHUNK, CHUNK + 1, 3 * CHUNK + 7 } do
      local content = stores.bytes(size)
      for _, step in ipairs { size < 1e5 and 1 or 4099, 65536, CHUNK - 1, CHUNK, CHUNK + 1, 10 * CHUNK } do
        for _, known in ipairs { true, false } do
          version = version + 1
          deposit_pieces(disk, content, step, { size = known and size or nil, version = version, digest = version % 2 == 0 })
          assert.equal(content, stores.get(disk, "key"))
        end
      end
    end
    assert.same({}, stores.drafts(folder))
  end)

  it("gives the body of a small one with its record, when the size was known", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for version, size in ipairs { 0, 1, 65536, 65537 } do
      for _, known in ipairs { false, true } do
        local number = 2 * version + (known and 1 or 0)
        local record, body = deposit_pieces(disk, stores.bytes(size), 65537, { size = known and size or nil, version = number })
        local _, same, sealed = assert(disk:sealed(me:raw_id(), stores.path "key", 65536))
        assert.equal(record, same)
        assert.is_true(body == (known and sealed or nil))
      end
    end
  end)

  it("can be published where nothing lies only, and after all where something does", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local function publish(deposit, version, fresh)
      return deposit:publish(me, stores.version(stores.key_hash "key", version, ""), stores.path "key", fresh)
    end
    for _, size in ipairs { 5, 3 * CHUNK } do
      local content = stores.bytes(size)
      for number, fresh in ipairs { true, false } do
        local deposit <close> = assert(disk:deposit(size, false, false))
        assert(deposit:write(content))
        assert(deposit:finish())
        if number == 2 then
          assert.is_false((publish(deposit, number, true)))
          assert.equal(1, disk:stat(me:raw_id(), stores.path "key").version)
        end
        assert.is_string((publish(deposit, number, fresh)))
        assert.equal(number, disk:stat(me:raw_id(), stores.path "key").version)
        assert.equal(content, stores.get(disk, "key"))
      end
      assert(disk:remove(me:raw_id(), stores.path "key"))
    end
    assert.same({}, stores.drafts(folder))
  end)

  it("is refused where a broken file lies and nothing should", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    deposit_pieces(disk, "first", 9, { size = 5, version = 1 })
    local file = assert(io.open(stores.root(folder) .. "/objects/" .. crypto.hex(me:raw_id()) .. "/" .. stores.path "key", "w"))
    file:close()
    local deposit <close> = assert(disk:deposit(6, false, false))
    assert(deposit:write "second")
    assert(deposit:finish())
    assert.is_false((deposit:publish(me, stores.version(stores.key_hash "key", 2, ""), stores.path "key", true)))
    assert.is_string((deposit:publish(me, stores.version(stores.key_hash "key", 2, ""), stores.path "key")))
    assert.equal("second", stores.get(disk, "key"))
  end)

  it("takes empty pieces", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local deposit <close> = assert(disk:deposit(nil, false, false))
    for _, piece in ipairs { "", "a", "", "b", "" } do assert(deposit:write(piece)) end
    assert(stores.publish(deposit))
    assert.equal("ab", stores.get(disk, "key"))
  end)

  it("is stored as it is when plain", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local content = stores.bytes(CHUNK + 100)
    stores.put(disk, content, { plain = true })
    assert.equal(content, folder:read(stores.file "key"):sub(1, #content))
    local object <close> = assert(disk:object(me:raw_id(), stores.path "key"))
    assert.is_true(object:fields().plain)
    assert.equal(content, stores.read(object), "without a key")
  end)

  it("is refused when it is not of the size that was told", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for _, case in ipairs { { 10, 9 }, { 10, 11 }, { 0, 1 }, { CHUNK, CHUNK + 1 }, { 2 * CHUNK, CHUNK }, { CHUNK + 1, 2 * CHUNK } } do
      local deposit <close> = assert(disk:deposit(case[1], false, false))
      local ok, err = deposit:write(("x"):rep(case[2]))
      if ok then ok, err = stores.publish(deposit) end
      refused("invalid", ok, err)
      deposit:close()
      settled(folder)
    end
    refused("not_found", disk:stat(me:raw_id(), stores.path "key"))
  end)

  it("is refused when it can never be stored", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    refused("too_large", disk:deposit((1 << 48) + 1, false, false))
    refused("too_large", disk:deposit(math.maxinteger, false, false))
    refused("no_space", disk:deposit(1 << 48, false, false))
    local deposit <close> = assert(disk:deposit(nil, false, false))
    assert(deposit:write "content")
    assert(deposit:finish())
    refused("too_large", deposit:publish(me, stores.version(stores.key_hash "key", 1, ("m"):rep(65536 - 60 + 1)), "path"))
    deposit:close()
    settled(folder)
  end)

  it("leaves nothing when it is given up, wherever it is", function()
    local folder <close> = temp.folder()
    local content = stores.bytes(6 * CHUNK)
    for _, steps in ipairs { 0, 1, 2, 3 } do
      for _, size in ipairs { 0, 10, #content } do
        local disk <close> = stores.open(folder)
        local deposit <close> = assert(disk:deposit(nil, false, false))
        if steps >= 1 then assert(deposit:write(content:sub(1, size))) end
        if steps >= 2 then assert(deposit:finish()) end
        if steps >= 3 then
          local task = runtime.spawn(stores.publish, deposit):observe()
          runtime.sleep(0)
          task:cancel()
        end
        deposit:close()
        disk:close()
        let_go(folder)
        assert.equal(0, #stores.list(folder:file "root/bad"))
      end
    end
  end)

  it("keeps its store until its work is done", function()
    local folder <close> = temp.folder()
    for _ = 1, 5 do
      local disk = stores.open(folder, { durability = "full" })
      local deposit = assert(disk:deposit(nil, false, false))
      assert(deposit:write(stores.bytes(4 * CHUNK)))
      deposit:close()
      disk:close() -- chunks are being sealed
      let_go(folder)
    end
    for _, durability in ipairs { "full", "group" } do
      local disk = stores.open(folder, { durability = durability })
      local deposit = assert(disk:deposit(nil, false, false))
      assert(deposit:write(stores.bytes(2 * CHUNK)))
      assert(deposit:finish())
      local task = runtime.spawn(function() deposit:publish(me, stores.version(stores.key_hash "key", 1, ""), durability) end)
      runtime.sleep(0)
      task:cancel()
      deposit:close()
      disk:close() -- it is being published
      let_go(folder)
    end
  end)

  it("can be given up while it waits", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for _, what in ipairs { "cancel", "close" } do
      local deposit = assert(disk:deposit(nil, false, true))
      local task = runtime.spawn(function()
        for _ = 1, 100 do assert(deposit:write(stores.bytes(4 * CHUNK))) end
      end):observe()
      runtime.sleep(0.01)
      assert.equal("waiting", task:status())
      if what == "cancel" then task:cancel() end
      if what == "close" then deposit:close() end
      local ok, err = pcall(task.join, task)
      assert.is_false(ok)
      assert.matches(what == "cancel" and "cancel" or "closed", tostring(err))
      deposit:close()
      settled(folder)
    end
  end)

  it("refuses misuse at the caller's line", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local deposit <close> = assert(disk:deposit(nil, false, true))
    local function publish() return deposit:publish(me, stores.version(stores.key_hash "key", 1, ""), "path") end
    assert.error_matches(publish, "not finished")
    assert(deposit:write "content")
    assert.error_matches(publish, "not finished")
    local size, digest = assert(deposit:finish())
    assert.same({ size, digest }, { deposit:finish() }, "again")
    assert.error_matches(function() deposit:write "more" end, "finished already")
    assert.error_matches(function() deposit:publish(me, stores.version("short", 1, ""), "path") end, "32 bytes")
    assert.error_matches(function() deposit:publish({}, stores.version(stores.key_hash "key", 1, ""), "path") end, "filo.keys")
    assert(publish())
    assert.error_matches(publish, "published already")
    deposit:close()
    deposit:close()
    assert.error_matches(function() deposit:write "x" end, "closed")
    assert.error_matches(function() disk:deposit(-1, false, false) end, "0 or more")
  end)

  it("has one task at a time", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local deposit <close> = assert(disk:deposit(nil, false, true))
    local content = stores.bytes(20 * CHUNK)
    local task = runtime.spawn(function() return deposit:write(content) end)
    runtime.sleep(0)
    assert.equal("waiting", task:status())
    assert.error_matches(function() deposit:write "x" end, "another task waits")
    assert.error_matches(function() deposit:finish() end, "another task waits")
    assert.is_true(task:join())
    assert(stores.publish(deposit))
    assert.equal(crypto.hex(crypto.digest("sha256", content)), crypto.hex(crypto.digest("sha256", stores.get(disk, "key"))))
  end)
end)

describe("a deposit of a file", function()
  local function deposit_file(disk, path, digest)
    local deposit <close>, err = disk:deposit_file(path, false, digest or false)
    if not deposit then return nil, err end
    return stores.publish(deposit)
  end

  it("has the file's content and time", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for version, size in ipairs { 0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 5 * CHUNK + 3 } do
      local content = stores.bytes(size)
      local path = folder:write("a \u{fc} file", content)
      assert(lfs.touch(path, 1234567890))
      for _, digest in ipairs { true, false } do
        local deposit <close>, seen = disk:deposit_file(path, false, digest)
        assert.equal(1234567890, seen.modified)
        local got, hash = deposit:finish()
        assert.equal(size, got)
        assert.equal(digest and crypto.digest("sha256", content) or nil, hash)
        assert.error_matches(function() deposit:write "more" end, "of a file")
        assert(stores.publish(deposit, { version = 2 * version + (digest and 0 or 1) }))
        assert.equal(content, stores.get(disk, "key"))
      end
    end
  end)

  it("is as long as the file was at the start when that grows", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local path = folder:write("file", stores.bytes(3 * CHUNK))
    local deposit <close>, seen = disk:deposit_file(path, false, false)
    local file <close> = assert(io.open(path, "ab"))
    assert.same(seen, deposit:seen())
    file:write("more"):flush()
    assert.not_equal(seen.stamp, deposit:seen().stamp)
    assert(stores.publish(deposit))
    assert.equal(stores.bytes(3 * CHUNK), stores.get(disk, "key"))
  end)

  it("fails when the file becomes shorter", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    for _, digest in ipairs { true, false } do
      local path = folder:write("file", "")
      assert(os.execute("truncate -s 64M " .. path))
      local deposit <close> = disk:deposit_file(path, false, digest)
      folder:write("file", "short now")
      local message = refused("io", deposit:finish())
      assert.matches("changed while being stored", message)
      assert.matches(path, message, 1, true)
      refused("io", deposit:publish(me, stores.version(stores.key_hash "key", 1, ""), "path"))
      deposit:close()
      settled(folder)
    end
    refused("not_found", disk:stat(me:raw_id(), "path"))
  end)

  it("says what cannot be read", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    assert.matches("no/such/file", refused("not_found", deposit_file(disk, folder:file "no/such/file")), 1, true)
    assert.matches("is a folder", refused("invalid", deposit_file(disk, folder.path)))
    assert.is_nil((deposit_file(disk, folder:write("file", "") .. "/below")))
    assert.is_nil((deposit_file(disk, "/proc/self/mem")) and nil)
    assert.error_matches(function() disk:deposit_file("a\0b", false, false) end, "NUL")
    settled(folder)
  end)

  it("reads a named pipe to its end", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local path = folder:file "pipe"
    assert(os.execute("mkfifo " .. path))
    for version, size in ipairs { 0, 1, 70000, CHUNK, 3 * CHUNK + 5 } do
      local content = stores.bytes(size)
      local deposit <close> = assert(disk:deposit_file(path, false, true))
      runtime.sleep(0.01)
      local source = folder:write("source", content)
      local writer <close> = process.start { "-c", 'cat "$1" > "$2"', "sh", source, path, program = "/bin/sh" }
      local got, digest = deposit:finish()
      assert.equal(size, got)
      assert.equal(crypto.digest("sha256", content), digest)
      assert(stores.publish(deposit, { version = version }))
      assert.equal(content, stores.get(disk, "key"))
      assert.equal(0, writer:wait().status)
    end
  end)

  it("waits for a slow pipe, and can be given up meanwhile", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local path = folder:file "pipe"
    assert(os.execute("mkfifo " .. path))
    local slow = 'exec > "$1"; printf one; sleep 0.1; printf two; sleep 0.1; printf three'
    do
      local deposit <close> = assert(disk:deposit_file(path, false, false))
      local _ <close> = process.start { "-c", slow, "sh", path, program = "/bin/sh" }
      assert(stores.publish(deposit))
      assert.equal("onetwothree", stores.get(disk, "key"))
    end
    local deposit <close> = assert(disk:deposit_file(path, false, false))
    local task = runtime.spawn(deposit.finish, deposit):observe()
    runtime.sleep(0.01)
    task:cancel()
    assert.is_false(pcall(task.join, task))
    deposit:close()
    settled(folder)
  end)

  it("reads standard input", function()
    local folder <close> = temp.folder()
    local script = folder:write("script.lua", [[
      local stores = require "spec.support.stores"
      local disk <close> = stores.open(require "spec.support.temp".folder())
      for version, digest in ipairs { false } do
        local deposit <close> = assert(disk:deposit_file("-", false, digest))
        assert(stores.publish(deposit, { version = version }))
        io.write(stores.get(disk, "key"))
      end]])
    local content = ("a line\n"):rep(1000)
    assert.equal(content, process.run({ script, stdin = content }).out)
    local piped = process.run {
      "-c", 'cat "$1" | "$2" "$3"', "sh", folder:write("input", content), runtime.program(), script, program = "/bin/sh",
    }
    assert.equal(content, piped.out, piped.err)
    assert.equal("", process.run({ script }).out, "nothing")
  end)

  it("reads a device", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local deposit <close> = assert(disk:deposit_file("/dev/null", false, false))
    assert.equal(0, deposit:finish())
    deposit:close()
    local endless <close> = assert(disk:deposit_file("/dev/zero", false, false))
    nodes.wait(function() return endless:progress() >= 3 * CHUNK end, "progress")
    endless:close()
    settled(folder)
  end)
end)

describe("publishing", function()
  it("keeps the newest version", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk <close> = stores.open(folder, { durability = durability })
      local options = { key = durability }
      local function put(version)
        options.version = version
        return stores.try_put(disk, "version " .. version, options)
      end
      assert(put(5))
      assert.matches("5", refused("exists", put(4)))
      assert.equal("version 5", stores.get(disk, durability))
      assert(put(6))
      assert(put(math.maxinteger))
      refused("exists", put(0))
      assert.equal(("version %d"):format(math.maxinteger), stores.get(disk, durability))
      settled(folder)
    end
  end)

  it("keeps, of two records with one version, the one whose nonce is larger, whichever came first", function()
    local records = {}
    for i, name in ipairs { "one", "two" } do
      local folder <close> = temp.folder()
      local disk <close> = stores.open(folder)
      stores.put(disk, name)
      records[i] = { select(2, disk:sealed(me:raw_id(), stores.path "key", 100)) }
    end
    table.sort(records, function(a, b) return store.peek(a[1]).nonce < store.peek(b[1]).nonce end)
    local smaller, larger = records[1], records[2]
    for _, order in ipairs { { smaller, larger }, { larger, smaller } } do
      local folder <close> = temp.folder()
      local disk <close> = stores.open(folder)
      for _, each in ipairs(order) do
        local partial <close>, err = disk:partial(stores.path "key", each[1], each[2])
        if partial then assert(partial:publish()) else assert.equal("exists", err.code) end
      end
      assert.equal(larger[1], select(2, disk:stat(me:raw_id(), stores.path "key")))
    end
  end)

  it("lets a reader go on with the version that it has open", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local content = stores.bytes(8 * CHUNK)
    stores.put(disk, content)
    local object <close> = stores.object(disk, "key")
    local reader <close> = assert(object:reader())
    local start = assert(reader:read(10))
    stores.put(disk, "new", { version = 2 })
    assert.equal("new", stores.get(disk, "key"))
    assert(disk:remove(me:raw_id(), stores.path "key"))
    assert.equal(content, start .. stores.drain(reader))
  end)

  it("replaces what is no good copy, whatever its version", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content", { version = 9 })
    local good = folder:read(stores.file "key")
    local changed = good:sub(1, -100) .. string.char(good:byte(-99) ~ 1) .. good:sub(-98)
    for _, bad in ipairs { "", "junk", good:sub(1, -2), changed, ("\0"):rep(#good) } do
      stores.plant(folder, stores.file "key", bad)
      stores.put(disk, "again", { version = 1 })
      assert.equal("again", stores.get(disk, "key"))
      assert(disk:remove(me:raw_id(), stores.path "key"))
    end
  end)

  it("acknowledges many at once, in each durability", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk <close> = stores.open(folder, { durability = durability })
      local tasks = {}
      for i = 1, 100 do
        tasks[i] = runtime.spawn(function()
          stores.put(disk, durability .. i, { key = durability .. i, known = i % 2 == 0 })
          assert.equal(durability .. i, stores.get(disk, durability .. i))
        end)
      end
      for _, task in ipairs(tasks) do task:join() end
      settled(folder)
    end
    local disk <close> = stores.open(folder)
    for _, durability in ipairs { "full", "group", "none" } do
      for i = 1, 100 do assert.equal(durability .. i, stores.get(disk, durability .. i)) end
    end
  end)

  it("of many versions at once leaves the newest", function()
    local folder <close> = temp.folder()
    for _, durability in ipairs { "full", "group", "none" } do
      local disk <close> = stores.open(folder, { durability = durability })
      local tasks, done = {}, 0
      for i = 1, 40 do
        tasks[i] = runtime.spawn(function()
          local version = i * 7 % 41
          local ok, err = stores.try_put(disk, "version " .. version, { key = durability, version = version })
          if ok then done = done + 1 else assert.equal("exists", err.code) end
        end)
      end
      for _, task in ipairs(tasks) do task:join() end
      assert.is_true(done >= 1)
      assert.equal("version 40", stores.get(disk, durability))
      settled(folder)
    end
  end)

  it("of a tombstone takes the object's place", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "content", { version = 2 })
    local hash, path = stores.key_hash "key", stores.path "key"
    refused("exists", disk:tombstone(me, stores.version(hash, 1, ""), path))
    local record = assert(disk:tombstone(me, stores.version(hash, 3, "who and when"), path))
    local fields, stored = assert(disk:stat(me:raw_id(), path))
    assert.equal(record, stored)
    assert.is_true(fields.tombstone)
    assert.equal(0, fields.size)
    local _, meta = assert(store.unseal(me, record))
    assert.equal("who and when", meta)
    refused("exists", stores.try_put(disk, "back?", { version = 2 }))
    refused("too_large", disk:tombstone(me, stores.version(hash, 9, ("m"):rep(70000)), path))
    stores.put(disk, "back", { version = 4 })
    assert.equal("back", stores.get(disk, "key"))
    settled(folder)
  end)
end)
