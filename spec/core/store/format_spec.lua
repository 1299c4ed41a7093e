---The formats against an independent program, and against files that are never to change.

local crypto = require "filo.core.crypto"
local fixtures = require "spec.support.fixtures"
local independent = require "spec.support.independent"
local lfs = require "lfs"
local openssl = require "spec.support.openssl"
local store = require "filo.core.store"
local runtime = require "filo.core.runtime"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local CHUNK = independent.CHUNK
local node = assert(crypto.identity_from_seed(fixtures.seed))
local owner = assert(node:namespace())

---A root of the fixtures' owner.
local function open_root(folder) return stores.open(folder, { owner = node }) end

---Puts a sealed file where the independent program says that it lies.
local function plant(folder, bytes)
  local fields = independent.check(bytes)
  stores.plant(folder, "root/" .. independent.place(fields.namespace, fields.key_hash), bytes)
end

local function read_object(disk, key)
  local key_hash = independent.key_hash(fixtures.namespace, key)
  local path = assert(store.cas_path("sha1", 2, 1, key_hash))
  local object <close> = assert(disk:object(owner:raw_id(), path))
  local content_key, meta = assert(store.unseal(owner, object:record()))
  object:set_key(content_key)
  local reader <close> = assert(object:reader())
  return { fields = object:fields(), content_key = content_key, meta = meta, content = assert(stores.drain(reader)) }
end

describe("the fixtures", function()
  it("are what the independent program makes", function()
    for name, bytes in pairs(fixtures.make()) do assert.equal(bytes, fixtures.read(name), name) end
  end)

  for name, object in pairs(fixtures.objects) do
    it("are read by Filo: " .. name, function()
      local folder <close> = temp.folder()
      local disk <close> = open_root(folder)
      plant(folder, fixtures.read(name .. ".sealed"))
      local got = read_object(disk, object.key)
      assert.equal(object.content, got.content)
      assert.equal(object.meta, got.meta)
      assert.equal(crypto.digest("sha256", name .. " content key1"), got.content_key)
      assert.same({
        version = object.version,
        size = #object.content,
        tombstone = object.tombstone or false,
        plain = object.plain or false,
        class = object.class or 0,
        generation = object.generation or 0,
        nonce = crypto.digest("sha256", name .. " nonce1"):sub(1, 12),
        namespace = fixtures.namespace.id,
        key_hash = independent.key_hash(fixtures.namespace, object.key),
        root = independent.check(fixtures.read(name .. ".sealed")).root,
      }, got.fields)
    end)

    it("are received by Filo: " .. name, function()
      local folder <close> = temp.folder()
      local disk <close> = open_root(folder)
      local file, record, body = fixtures.seal(name, object)
      local partial <close> = assert(disk:partial("anywhere", record, body))
      assert(partial:publish())
      assert.equal(file, folder:read(("root/objects/%s/anywhere"):format(owner:id())))
    end)
  end

  it("are read by Filo: a long one", function()
    local folder <close> = temp.folder()
    local disk <close> = open_root(folder)
    local file = fixtures.seal("long", fixtures.long)
    assert.equal(fixtures.read "long.sha256", crypto.hex(crypto.digest("sha256", file)) .. "\n")
    plant(folder, file)
    assert.equal(fixtures.long.content, read_object(disk, fixtures.long.key).content)
  end)

  it("are read by the independent program, one of them by Filo of old", function()
    local fields = independent.open(fixtures.namespace, fixtures.read "by-filo.sealed")
    assert.equal("Filo wrote this.\n", fields.content)
    assert.equal("\xa1dnamelmade by filo", fields.meta)
    assert.equal(1234567890, fields.version)
    assert.equal(independent.key_hash(fixtures.namespace, "made by filo"), fields.key_hash)
    local folder <close> = temp.folder()
    local disk <close> = open_root(folder)
    plant(folder, fixtures.read "by-filo.sealed")
    assert.equal("Filo wrote this.\n", read_object(disk, "made by filo").content)
  end)
end)

describe("what Filo seals", function()
  ---Seals with Filo, opens with the independent program.
  local function check(content, options)
    local folder <close> = temp.folder()
    local disk <close> = open_root(folder)
    options.keys = owner
    local record = stores.put(disk, content, options)
    local file = folder:read(("root/objects/%s/%s"):format(owner:id(), stores.path "key"))
    local fields = independent.open(fixtures.namespace, file)
    assert.equal(content, fields.content)
    assert.equal(options.meta, fields.meta)
    assert.equal(options.version, fields.version)
    assert.equal(options.plain or false, fields.plain)
    assert.equal(options.class or 0, fields.class)
    assert.equal(options.generation or 0, fields.generation)
    assert.is_false(fields.tombstone)
    assert.equal(stores.key_hash "key", fields.key_hash)
    assert.truthy(file:find(record, 1, true))
  end

  for _, size in ipairs { 0, 1, 15, 16, 17, 65535, 65536, 65537, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 12345 } do
    it(("is read by the independent program: %d bytes"):format(size), function()
      check(stores.bytes(size), { version = 1 + size, meta = "\xa1dnamecxyz" })
      check(stores.bytes(size), { version = 1 << 62, meta = "", known = true })
    end)
  end

  it("is read by the independent program: plain", function()
    check(stores.bytes(CHUNK + 10), { version = 3, meta = "\xa0", plain = true })
  end)

  it("is read by the independent program: of a class and a generation", function()
    check("content", { version = 3, meta = "\xa0", class = 255, generation = 0xffffffff })
  end)

  it("is read by the independent program: the longest metadata", function()
    check("content", { version = 3, meta = ("m"):rep(65536 - 60) })
  end)

  it("is read by the independent program: a tombstone", function()
    local folder <close> = temp.folder()
    local disk <close> = open_root(folder)
    local record = assert(disk:tombstone(owner, stores.version(stores.key_hash "key", 9, "\xa0"), "gone"))
    local fields = independent.open(fixtures.namespace, folder:read(("root/objects/%s/gone"):format(owner:id())))
    assert.is_true(fields.tombstone)
    assert.equal(0, fields.size)
    assert.equal(9, fields.version)
    assert.equal("\xa0", fields.meta)
    assert.same(fields.root, assert(store.parse(record)).root)
  end)

  it("never has the same IV, key or ciphertext twice", function()
    local folder <close> = temp.folder()
    local disk <close> = open_root(folder)
    local seen = {}
    for version = 1, 5 do
      stores.put(disk, "the same content", { keys = owner, version = version })
      local fields = independent.open(fixtures.namespace, folder:read(("root/objects/%s/%s"):format(owner:id(), stores.path "key")))
      for _, value in ipairs { fields.iv, fields.content_key, fields.ciphertext, fields.sealed:sub(1, 12) } do
        assert.is_nil(seen[value])
        seen[value] = true
      end
    end
  end)
end)

describe("an identity file", function()
  it("made by the independent program is read by Filo", function()
    local folder <close> = temp.folder()
    local path = folder:write("identity", fixtures.read "identity")
    assert(os.execute("chmod 600 " .. path))
    local identity <close> = assert(crypto.identity_load(path))
    assert.equal(openssl.hex(fixtures.identity.id), identity:id())
    local keys <close> = assert(identity:namespace())
    assert.equal(fixtures.namespace.id, keys:raw_id())
    assert.equal(independent.key_hash(fixtures.namespace, "a key"), keys:key_hash "a key")
  end)

  it("made by Filo is read by the independent program", function()
    local folder <close> = temp.folder()
    local identity <close> = assert(crypto.identity_generate())
    assert(identity:save(folder:file "identity"))
    local read = independent.read_identity(folder:read "identity")
    assert.equal(identity:raw_id(), read.id)
    assert.equal("rw-------", lfs.attributes(folder:file "identity", "permissions"))
    local signature = identity:sign "something"
    assert.is_true(openssl.ed25519_verify(read.id, "something", signature))
    assert.is_true(crypto.verify(read.id, "something", openssl.ed25519_sign(read.key, "something")))
  end)
end)

describe("a root", function()
  it("has a marker, a lock and its folders, for its owner alone", function()
    local folder <close> = temp.folder()
    local disk <close> = open_root(folder)
    stores.put(disk, "content", { keys = owner })
    assert.equal(independent.marker(fixtures.identity.id), folder:read "root/filo-root")
    assert.same({ "bad", "filo-root", "lock", "objects", "tmp", "trash", "versions" }, stores.list(stores.root(folder)))
    local pid = folder:read("root/lock"):match "^(%d+)\n$"
    assert.equal("/proc/" .. pid, "/proc/" .. lfs.symlinkattributes("/proc/self", "target"))
    local digest = openssl.hex(openssl.sha1(stores.key_hash "key"))
    local namespace = "objects/" .. owner:id()
    local path = digest:sub(1, 2)
    for _, name in ipairs { "", "bad", "objects", "tmp", "trash", "versions", namespace, namespace .. "/" .. path } do
      assert.equal("rwx------", lfs.attributes(folder:file("root/" .. name), "permissions"), name)
    end
    for _, name in ipairs { "filo-root", "lock", ("%s/%s/%s"):format(namespace, path, digest) } do
      assert.equal("rw-------", lfs.attributes(folder:file("root/" .. name), "permissions"), name)
    end
  end)

  it("made by the independent program is opened by Filo, by its owner only", function()
    local folder <close> = temp.folder()
    stores.plant(folder, "root/filo-root", independent.marker(fixtures.identity.id))
    open_root(folder):close()
    local disk, err = store.open(stores.root(folder), stores.me:raw_id(), "none")
    assert.is_nil(disk)
    assert.equal("denied", err.code)
  end)

  it("keeps partial copies in the final layout, with holes", function()
    local folder <close> = temp.folder()
    local disk <close> = open_root(folder)
    local _, record = fixtures.seal("long", fixtures.long)
    local partial <close> = assert(disk:partial("anywhere", record))
    local fields = partial:fields()
    local object, of_record = openssl.sha256(fields.namespace .. fields.key_hash), openssl.sha256(record)
    local name = openssl.hex(object):sub(1, 32) .. ("%016x"):format(fields.version) .. openssl.hex(of_record):sub(1, 16)
    assert.same({ name .. ".part" }, stores.drafts(folder))
    partial:close()
    assert.same({}, stores.drafts(folder), "nothing in it")
  end)

  it("keeps what was set aside, by time, and as what it was", function()
    local folder <close> = temp.folder()
    local disk <close> = open_root(folder)
    stores.put(disk, "content", { keys = owner })
    local before = runtime.time() -- of the same clock: os.time may be behind it
    assert(disk:set_aside(owner:raw_id(), stores.path "key"))
    local names = stores.list(folder:file "root/bad")
    assert.equal(1, #names)
    local time, namespace, key_hash, version = names[1]:match "^(%x+)-(%x+)-(%x+)-(%x+)$"
    assert.equal(16, #time)
    local microseconds = tonumber(time, 16) // 1000
    assert.is_true(before <= microseconds and microseconds <= runtime.time())
    assert.equal(owner:id(), namespace)
    assert.equal(stores.key_hash "key", crypto.unhex(key_hash))
    assert.equal(("%016x"):format(1), version)
  end)
end)
