---The keys to a namespace, and the capabilities that they are given away by.

local crypto = require "filo.core.crypto"
local independent = require "spec.support.independent"
local lfs = require "lfs"
local openssl = require "spec.support.openssl"
local refused = require "spec.support.refused"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local SEED = ("s"):rep(32)
local theirs = independent.identity(SEED).namespace

local function own() return assert(assert(crypto.identity_from_seed(SEED)):namespace()) end

---An object of these keys, of a generation: its record.
local function record_of(keys, key, generation)
  local folder <close> = temp.folder()
  local disk <close> = stores.open(folder, { owner = keys })
  local deposit <close> = assert(disk:deposit(7, false, false))
  assert(deposit:write "content")
  assert(deposit:finish())
  local version = stores.version(keys:key_hash(key), 5, "its metadata")
  version.generation = generation
  return assert(deposit:publish(keys, version, "anywhere"))
end

describe("the keys to a namespace", function()
  it("are a node's own, and another program's", function()
    local keys <close> = own()
    assert.equal(theirs.id, keys:raw_id())
    assert.equal(openssl.hex(theirs.id), keys:id())
    assert.equal("write", keys:access())
    assert.equal(independent.key_hash(theirs, "a key"), keys:key_hash "a key")
    assert.equal(openssl.ed25519_sign(theirs.key, "data"), keys:sign "data")
    assert.not_equal(assert(crypto.identity_from_seed(SEED)):id(), keys:id())
  end)

  it("are given away as the lines that another program makes", function()
    local keys <close> = own()
    local hash = independent.key_hash(theirs, "a key")
    local object_key = openssl.hkdf(theirs.secret(7), "filo object v2" .. hash)
    local number = ("<I4"):pack(7)
    assert.equal(independent.capability("filo-keep", theirs.id), keys:grant "keep")
    local one = theirs.id .. hash .. number .. object_key .. "a key"
    assert.equal(independent.capability("filo-read-one", one), keys:grant("read-one", 7, "a key"))
    assert.equal(independent.capability("filo-read", theirs.id .. theirs.name_key .. number .. theirs.secret(7)), keys:grant("read", 7))
    assert.equal(independent.capability("filo-write", theirs.seed), keys:grant "write")
  end)

  it("that were given away do what was given, and no more", function()
    local keys <close> = own()
    local record, other, later = record_of(keys, "a key", 0), record_of(keys, "another", 0), record_of(keys, "a key", 1)
    local function unsealed(with, what) return select(2, store.unseal(with, what)) end

    local keeper <close> = assert(crypto.namespace(keys:grant "keep"))
    assert.equal("keep", keeper:access())
    refused("denied", store.unseal(keeper, record))
    refused("denied", keeper:key_hash "a key")

    local one <close> = assert(crypto.namespace(keys:grant("read-one", 0, "a key")))
    assert.equal("read-one", one:access())
    assert.equal("its metadata", unsealed(one, record))
    assert.equal(keys:key_hash "a key", one:key_hash "a key")
    refused("denied", one:key_hash "another")
    for _, each in ipairs { other, later } do refused("denied", store.unseal(one, each)) end

    local reader <close> = assert(crypto.namespace(keys:grant("read", 0)))
    assert.equal("read", reader:access())
    for _, each in ipairs { record, other } do assert.equal("its metadata", unsealed(reader, each)) end
    refused("denied", store.unseal(reader, later))
    assert.equal(keys:key_hash "another", reader:key_hash "another")

    local writer <close> = assert(crypto.namespace(keys:grant "write"))
    assert.equal("write", writer:access())
    for _, each in ipairs { record, other, later } do assert.equal("its metadata", unsealed(writer, each)) end
    assert.equal(keys:sign "data", writer:sign "data")

    for _, each in ipairs { keeper, one, reader } do
      assert.equal(keys:id(), each:id())
      refused("denied", each:sign "data")
      refused("denied", each:grant "write")
    end
    for _, each in ipairs { keeper, one } do refused("denied", each:grant("read", 0)) end
    refused("denied", keeper:grant("read-one", 0, "a key"))
    refused("denied", reader:grant("read", 1))
    assert.equal(keys:grant("read-one", 0, "another"), reader:grant("read-one", 0, "another"))
  end)

  it("that read sign nothing that is taken for the owner's", function()
    local keys <close> = own()
    local reader <close> = assert(crypto.namespace(keys:grant("read", 0)))
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local deposit <close> = assert(disk:deposit(0, false, false))
    assert(deposit:finish())
    refused("denied", deposit:publish(reader, stores.version(keys:key_hash "a key", 1, ""), "path"))
  end)

  it("come to what all their lines allow", function()
    local keys <close> = own()
    local first, second = record_of(keys, "a key", 0), record_of(keys, "a key", 1)
    local lines = ("%s\n\n  %s \n"):format(keys:grant("read", 0), keys:grant("read-one", 1, "a key"))
    local both <close> = assert(crypto.namespace(lines))
    assert.equal("read", both:access())
    for _, each in ipairs { first, second } do assert.truthy(store.unseal(both, each)) end
    refused("denied", store.unseal(both, record_of(keys, "another", 1)))

    local folder <close> = temp.folder()
    local path = folder:file "keys"
    assert(crypto.write_private(path, lines))
    assert.equal("rw-------", lfs.attributes(path, "permissions"))
    local loaded <close> = assert(crypto.namespace_load(path))
    assert.truthy(store.unseal(loaded, second))
    assert(os.execute("chmod 640 " .. path))
    assert.matches("chmod 600 " .. path, refused("denied", crypto.namespace_load(path)), 1, true)
    assert.matches(path, refused("invalid", crypto.namespace(lines .. stores.other:grant "keep")) .. path, 1, true)
    local bad = folder:write("bad", "nothing of the kind")
    assert(os.execute("chmod 600 " .. bad))
    assert.matches(bad, refused("invalid", crypto.namespace_load(bad)), 1, true)
    refused("not_found", crypto.namespace_load(folder:file "none"))
  end)
end)

describe("a capability", function()
  local keys = own()
  local LINES = {
    keys:grant "keep", keys:grant("read-one", 0, "k"), keys:grant("read-one", 3, ("long"):rep(1024)), keys:grant("read", 0),
    keys:grant "write",
  }

  it("cut or lengthened anywhere, or with another letter, is refused", function()
    for _, line in ipairs(LINES) do
      local word = #line:match "^filo%-[%a-]+%."
      for size = math.max(word, #line - 200), #line - 1 do refused("corrupt", crypto.namespace(line:sub(1, size))) end
      for _, more in ipairs { "A", "AA", "AAA", "AAAA", "=", "!" } do refused("corrupt", crypto.namespace(line .. more)) end
      for at = word + 1, math.min(#line, word + 300) do
        local other = line:byte(at) == 65 and "B" or "A"
        refused("corrupt", crypto.namespace(line:sub(1, at - 1) .. other .. line:sub(at + 1)))
      end
    end
  end)

  it("of another kind is not taken for it", function()
    local letters = keys:grant("read", 0):match "%.(.*)$"
    for _, word in ipairs { "filo-keep.", "filo-read-one.", "filo-write." } do refused("corrupt", crypto.namespace(word .. letters)) end
    refused("unsupported", crypto.namespace("filo-append." .. letters))
    refused("invalid", crypto.namespace "")
    refused("invalid", crypto.namespace "a line of something else")
    refused("invalid", crypto.namespace(("x"):rep(10000)))
  end)

  it("is for a key of 1 to 4096 bytes", function()
    refused("invalid", keys:grant("read-one", 0, ""))
    refused("invalid", keys:grant("read-one", 0, ("x"):rep(4097)))
    assert.truthy(crypto.namespace(keys:grant("read-one", 0, ("x"):rep(4096))))
    assert.truthy(crypto.namespace(keys:grant("read-one", 0xffffffff, "\0\n")))
    assert.error_matches(function() keys:grant("read", -1) end, "0 to 4294967295")
    assert.error_matches(function() keys:grant "all" end, "invalid option")
  end)
end)
