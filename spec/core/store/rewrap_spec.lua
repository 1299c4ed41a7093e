---Rewrapping: another record for content that lies in the store, without its bytes being sealed or hashed again.

local crypto = require "filo.core.crypto"
local independent = require "spec.support.independent"
local nodes = require "spec.support.nodes"
local openssl = require "spec.support.openssl"
local refused = require "spec.support.refused"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local SIZES = { 0, 1, 1000, 65536, 65537, 1 << 20, (3 << 20) + 17 }

local function with(fn, options)
  return function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder, options)
    fn(disk, folder)
  end
end

local function version_of(number, generation, class, meta, key)
  local version = stores.version(stores.key_hash(key or "key"), number, meta or "later")
  version.generation, version.class = generation or 0, class or 0
  return version
end

local function reseal(record, ...) return assert(store.reseal(stores.me, record, version_of(...))) end

---What lies there, as the store's owner and as a stranger see it.
local function check(disk, content, number, generation, class, meta)
  local fields, record = assert(disk:stat(stores.me:raw_id(), stores.path "key"))
  assert.same({ number, generation, class, #content }, { fields.version, fields.generation, fields.class, fields.size })
  assert.equal(meta, (select(2, assert(store.unseal(stores.me, record)))))
  assert.equal(content, (stores.get(disk, "key")))
end

describe("a record that is rewrapped", function()
  it("is one for the same content, of another generation, class and metadata", with(function(disk)
    local old = stores.put(disk, "content", { version = 5, class = 9, meta = "first" })
    local new = reseal(old, 6, 3, 200, "second")
    local a, b = assert(store.parse(old)), assert(store.parse(new))
    assert.same({ 6, 3, 200, a.size, a.root, a.key_hash }, { b.version, b.generation, b.class, b.size, b.root, b.key_hash })
    local key, meta = assert(store.unseal(stores.me, new))
    assert.same({ (store.unseal(stores.me, old)), "second" }, { key, meta })
    local reader = assert(crypto.namespace(stores.me:grant("read", 0)))
    assert.matches("keys were changed %(generation 3%).*share it anew", refused("denied", store.unseal(reader, new)))
    assert.equal(meta, (select(2, store.unseal(assert(crypto.namespace(stores.me:grant("read", 3))), new))))
  end))

  it("is the same wherever it is made", with(function(disk)
    local old = stores.put(disk, "content", { version = 5, class = 9, meta = "first" })
    assert.equal(reseal(old, 6, 3, 200, "second"), reseal(old, 6, 3, 200, "second"))
    local nonces = {}
    for _, other in ipairs { { 6, 3, 200, "second" }, { 7, 3, 200, "second" }, { 6, 4, 200, "second" }, { 6, 3, 1, "second" },
      { 6, 3, 200, "third" }, { 6, 3, 200, "second", "another key" } } do
      local nonce = assert(store.parse(reseal(old, table.unpack(other)))).nonce
      assert.is_nil(nonces[nonce])
      nonces[nonce] = true
    end
  end))

  it("is made by who writes the namespace only, and of no deletion", with(function(disk)
    local old = stores.put(disk, "content")
    refused("denied", store.reseal(stores.other, old, version_of(2)))
    refused("denied", store.reseal(assert(crypto.namespace(stores.me:grant("read", 0))), old, version_of(2)))
    local tombstone = assert(disk:tombstone(stores.me, stores.version(stores.key_hash "gone", 1, ""), stores.path "gone"))
    refused("invalid", store.reseal(stores.me, tombstone, version_of(2, 0, 0, "", "gone")))
    refused("corrupt", store.reseal(stores.me, "", version_of(2)))
  end))
end)

describe("content that is rewrapped", function()
  for _, durability in ipairs { "full", "group", "none" } do
    it("is what it was, under the new record, whatever its size: " .. durability, with(function(disk, folder)
      for i, size in ipairs(SIZES) do
        for _, plain in ipairs { false, true } do
          local content, at = stores.bytes(size, "rewrap"), 100 * i + (plain and 50 or 0)
          local old = stores.put(disk, content, { version = at, plain = plain })
          assert(disk:rewrap(stores.path "key", reseal(old, at + 1, 7, 1, "second")))
          check(disk, content, at + 1, 7, 1, "second")
          assert.same({}, stores.drafts(folder))
        end
      end
    end, { durability = durability }))
  end

  it("is another object's, too, where that is to have the same", with(function(disk)
    for _, size in ipairs(SIZES) do
      local content = stores.bytes(size, "kept")
      local old = stores.put(disk, content, { version = 5 + size, meta = "first" })
      local other = assert(store.reseal(stores.me, old, version_of(6 + size, 0, 0, "second", "other")))
      assert(disk:rewrap(stores.path "other", other, old, true, stores.path "key"))
      assert.is_true(content == stores.get(disk, "other") and content == stores.get(disk, "key"))
      local later = assert(store.reseal(stores.me, old, version_of(7 + size, 0, 0, "third", "other")))
      refused("exists", disk:rewrap(stores.path "other", later, other, true, stores.path "key"))
      refused("not_found", disk:rewrap(stores.path "other", later, nil, true, stores.path "none"))
    end
  end))

  it("is read by whoever goes by the description of the format", function()
    local folder <close> = temp.folder()
    local seed = crypto.random(32)
    local path = folder:write("identity", independent.identity_text(seed))
    assert(os.execute("chmod 600 " .. temp.quote(path)))
    local keys = assert(assert(crypto.identity_load(path)):namespace())
    local disk <close> = stores.open(folder)
    local content = stores.bytes((1 << 20) + 5)
    local old = stores.put(disk, content, { keys = keys })
    assert(disk:rewrap(stores.path "key", assert(store.reseal(keys, old, version_of(2, 70000, 255, "meta")))))
    local opened = independent.open(independent.identity(seed).namespace, folder:read(stores.file("key", keys)))
    assert.same({ 70000, 255, "meta", true }, { opened.generation, opened.class, opened.meta, opened.content == content })
    local secret = openssl.hkdf(openssl.hkdf(seed, "filo namespace v2"), "filo secret v2" .. ("<I4"):pack(70000))
    local reader = independent.reader(keys:raw_id(), 70000, secret)
    assert.equal("meta", (select(2, independent.unseal(reader, opened))))
  end)

  -- What the kernel had copied counted as hashed, though nobody had read it.
  it("was verified when it was where blocks are shared, and else not at all", with(function(disk, folder)
    local old = stores.put(disk, "content")
    local file = folder:file(stores.file "key")
    local function verified() return (select(4, disk:sealed(stores.me:raw_id(), stores.path "key", 0))) end
    local before = verified()
    nodes.wait(function() return os.time() > before end, "next second")
    assert(disk:rewrap(stores.path "key", reseal(old, 2)))
    local shares = os.execute(("cp --reflink=always %s %s 2>/dev/null"):format(temp.quote(file), temp.quote(folder:file "shared")))
    assert.equal(shares and before or nil, verified())
    assert(os.execute("touch -d yesterday " .. temp.quote(file))) -- it was changed since
    assert(disk:rewrap(stores.path "key", reseal(old, 3)))
    assert.is_nil(verified())
  end))

  it("has to lie there, in an older version, and be the one that is meant", with(function(disk)
    local old = stores.put(disk, "content", { version = 5 })
    local path, new = stores.path "key", reseal(old, 6)
    local elsewhere = stores.put(disk, "content", { key = "other" })
    refused("not_found", disk:rewrap(stores.path "absent", reseal(old, 6, 0, 0, "", "absent")))
    refused("invalid", disk:rewrap(stores.path "other", new))
    assert.matches("another version is at", refused("exists", disk:rewrap(path, new, elsewhere)))
    refused("exists", disk:rewrap(path, reseal(old, 4)))
    assert(disk:rewrap(path, new, old))
    refused("exists", disk:rewrap(path, new))
    stores.put(disk, "another", { version = 7 })
    refused("not_found", disk:rewrap(path, reseal(old, 8)))
    assert.equal("another", (stores.get(disk, "key")))
  end))

  it("is not taken on trust: the record is signed, and the list of hashes what it says", with(function(disk, folder)
    local old = stores.put(disk, stores.bytes(3 << 20), { version = 5 })
    local path, new = stores.path "key", reseal(old, 6)
    refused("corrupt", disk:rewrap(path, new:sub(1, -2) .. string.char(new:byte(-1) ~ 1)))
    nodes.flip(folder:file(stores.file "key"), 3 << 20)
    assert.matches("other chunk hashes", refused("not_found", disk:rewrap(path, new)))
    assert.same({}, stores.drafts(folder))
    assert.equal(5, disk:stat(stores.me:raw_id(), path).version)
  end))

  it("needs room, and leaves what was there where there is none", function()
    local folder <close> = temp.folder()
    local old
    do
      local disk <close> = stores.open(folder)
      old = stores.put(disk, stores.bytes(1 << 20), { version = 5 })
    end
    local disk <close> = stores.open(folder, { reserve = 1 << 60 })
    refused("no_space", disk:rewrap(stores.path "key", reseal(old, 6)))
    assert.equal(5, disk:stat(stores.me:raw_id(), stores.path "key").version)
    assert.same({}, stores.drafts(folder))
  end)
end)
