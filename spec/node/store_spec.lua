local crypto = require "filo.core.crypto"
local filo = require "filo"
local runtime = require "filo.core.runtime"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local temp = require "spec.support.temp"

local MIB = 1 << 20
local SIZES = { 0, 1, 65536, 65537, MIB - 1, MIB, MIB + 1, 3 * MIB + 17 }

---Stores, then compares what comes back from a, and from b when a's copy is gone.
local function check_everywhere(a, key, content)
  assert.equal(crypto.digest("sha256", content), crypto.digest("sha256", nodes.content(a, key)))
  assert(a:evict(key))
  assert.equal(crypto.digest("sha256", content), crypto.digest("sha256", nodes.content(a, key)))
  nodes.kept(a, key)
end

---Pieces of a string, of growing length.
local function pieces(content)
  local at, length = 1, 1
  return function()
    if at > #content then return nil end
    local piece = content:sub(at, at + length - 1)
    at, length = at + length, length * 3
    return piece
  end
end

describe("node:store", function()
  it("takes a string of any length", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs(SIZES) do
      local content = nodes.bytes(size, size)
      local receipt = assert(a:store("key " .. size, content))
      assert.equal(size, receipt.size)
      assert.equal(2, #receipt.copies)
      check_everywhere(a, "key " .. size, content)
    end
  end)

  it("takes a function that gives pieces", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs(SIZES) do
      local content = nodes.bytes(size, size)
      assert.equal(size, assert(a:store("key", pieces(content))).size)
      check_everywhere(a, "key", content)
    end
    local waited = pieces "abc"
    assert(a:store("key", function()
      filo.sleep(0.001)
      return waited()
    end))
    assert.equal("abc", nodes.content(a, "key"))
    local empty = { "", "a", "", "b", "" }
    assert(a:store("key", function() return table.remove(empty, 1) end))
    assert.equal("ab", nodes.content(a, "key"))
  end)

  it("takes a file by name, with its modification time", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs(SIZES) do
      local content = nodes.bytes(size, size)
      local path = net.folder:write("näme with spaces", content)
      os.execute("touch -d @1234567890 " .. temp.quote(path))
      assert.equal(size, assert(a:store("key", filo.file(path))).size)
      check_everywhere(a, "key", content)
      assert.equal(1234567890, a:stat("key").modified)
    end
  end)

  it("takes an open file, from where it stands", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local content = nodes.bytes(2 * MIB + 5)
    local file <close> = assert(io.open(net.folder:write("file", content), "rb"))
    file:seek("set", 100)
    assert(a:store("key", file))
    assert.equal(content:sub(101), nodes.content(a, "key"))
    assert.equal("file", io.type(file))
  end)

  it("takes a named pipe, whose writer may come later and write slowly", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local path = net.folder:file "pipe"
    os.execute("mkfifo " .. temp.quote(path))
    local _ <close> = assert(io.popen(
      ("(sleep 0.2; echo one; sleep 0.1; head -c 3000000 /dev/zero; echo three) > %s"):format(temp.quote(path))))
    assert.equal(3000010, assert(a:store("key", filo.file(path))).size)
    check_everywhere(a, "key", "one\n" .. ("\0"):rep(3000000) .. "three\n")
  end)

  it("takes what a command writes", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local pipe <close> = assert(io.popen "printf hello; sleep 0.05; printf ' world'")
    assert(a:store("key", pipe))
    assert.equal("hello world", nodes.content(a, "key"))
  end)

  it("makes the key from the content when it is left out, and stores equal content once", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs { 0, 5, 2 * MIB } do
      local content = nodes.bytes(size)
      local key = crypto.hex(crypto.digest("sha256", content))
      assert.equal(key, assert(a:store(nil, content)).key)
      assert.equal(key, assert(a:store(nil, pieces(content))).key)
      assert.equal(key, assert(a:store(nil, filo.file(net.folder:write("file", content)))).key)
      check_everywhere(a, key, content)
    end
    local count = 0
    for _ in a:list() do count = count + 1 end
    assert.equal(3, count)
  end)

  it("keeps fields, sealed", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local fields = { title = "Ein Titel", rating = 5, tags = { "x", "y" }, nested = { deep = { true, 1.5 } } }
    assert(a:store("key", "content", { fields = fields }))
    assert.same(fields, a:stat("key").fields)
    assert(a:evict "key")
    assert.same(fields, a:stat("key").fields)
    local object <close> = assert(a:get "key")
    assert.same(fields, object.fields)
    local file <close> = assert(io.open(nodes.place(a, b, "key"), "rb"))
    local bytes = file:read "a"
    for _, word in ipairs { "Ein Titel", "rating", "content", "key" } do assert.is_nil(bytes:find(word, 1, true)) end
    assert(a:store("bare", "content"))
    assert.is_nil(a:stat("bare").fields)
  end)

  it("refuses fields that cannot be kept", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, fields in ipairs { { fn = print }, { [{}] = 1 }, { co = coroutine.create(print) } } do
      raises("store_spec.lua:%d+: store: option 'fields': ", function() a:store("key", "content", { fields = fields }) end)
    end
    local receipt, err = a:store("key", "content", { fields = { big = ("x"):rep(1 << 17) } })
    assert.is_nil(receipt)
    assert.equal("too_large", err.code)
    assert.matches("^cannot store 'key': ", tostring(err))
    assert.is_false(a:has "key")
  end)

  it("stores public data as it is with encrypt = false, signed and hashed all the same", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = ("public "):rep(1000)
    assert(a:store("key", content, { encrypt = false }))
    assert.is_false(a:stat("key").encrypted)
    local path = nodes.place(a, b, "key")
    local file <close> = assert(io.open(path, "rb"))
    assert.is_truthy(file:read("a"):find(content, 1, true))
    check_everywhere(a, "key", content)
    nodes.flip(path, 100)
    nodes.drop(a, "key")
    assert.is_nil(nodes.content(a, "key"))

    local c = net:start("c", { encrypt = false })
    assert(c:store("key", content))
    assert(c:store("secret", content, { encrypt = true }))
    assert.is_false(c:stat("key").encrypted)
    assert.is_true(c:stat("secret").encrypted)
  end)

  it("replaces what a key held", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local last = 0
    for i = 1, 5 do
      local receipt = assert(a:store("key", "version " .. i))
      assert.is_true(receipt.version > last)
      last = receipt.version
      check_everywhere(a, "key", "version " .. i)
    end
  end)

  it("gives versions that grow although the clock goes back", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local first = assert(a:store("key", "1"))
    inside.of(a).versions.host = setmetatable({ time = function() return 1000000 end }, { __index = inside.of(a).host })
    local second = assert(a:store("key", "2"))
    assert.equal(first.version + 2 * 1024, second.version) -- what rewraps the first one is between them
    assert.equal("2", nodes.content(a, "key"))
  end)

  it("gives versions that tell the time, and who wrote", function()
    local net <close> = nodes.net()
    local a, b = net:start "a", net:start "b"
    local writers = {}
    for _, node in ipairs { a, b } do
      local before = runtime.time()
      local one, other = assert(node:store("one", "x")).version, assert(node:store("other", "y")).version
      for _, version in ipairs { one, other } do assert.is_true(version > before - 1024 and version < runtime.time() + 1024) end
      assert.equal(one % 1024, other % 1024)
      writers[node] = one % 1024
    end
    local expected = ("<I2"):unpack(filo.crypto.digest("sha256", filo.crypto.unhex(a.id))) % 1024
    assert.equal(expected, writers[a])
  end)

  it("takes any bytes as a key", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local keys = { "/", "..", "../../x", "a/b", "\0", "a\0b", ("k"):rep(4096), "\xff\xfe", "ü", " ", "\n" }
    for _, key in ipairs(keys) do assert(a:store(key, "content of " .. key)) end
    for _, key in ipairs(keys) do
      assert.equal(key, a:stat(key).key)
      check_everywhere(a, key, "content of " .. key)
    end
  end)

  it("refuses keys that are too short, too long, or no strings", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, key in ipairs { "", ("k"):rep(4097), ("k"):rep(65536) } do
      for _, name in ipairs { "store", "get", "stat", "delete", "evict", "verify" } do
        local ok, err = a[name](a, key, name == "store" and "content" or nil)
        assert.is_nil(ok)
        assert.equal("invalid", err.code)
        assert.equal(("a key must have 1 to 4096 bytes; this one has %d"):format(#key), tostring(err))
      end
      assert.is_false(a:has(key))
    end
    for _, key in ipairs { 5, true, {} } do
      raises("store_spec.lua:%d+: a key must be a string, not a " .. type(key), function() a:store(key, "content") end)
      raises("store_spec.lua:%d+: a key must be a string, not a " .. type(key), function() a:get(key) end)
    end
    raises("store_spec.lua:%d+: a key must be a string, not a nil", function() a:get() end)
  end)

  it("raises an error at the caller's line for content or options that it does not know", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local expected = "store_spec.lua:%d+: store: the content must be a string, a function, filo.file%(path%), "
      .. "an open file, an object, a list of objects or the body of a request, not a "
    for _, content in ipairs { 5, true, {} } do
      raises(expected .. type(content), function() a:store("key", content) end)
    end
    raises(expected .. "nil", function() a:store "key" end)
    raises("store_spec.lua:%d+: store: unknown option 'encript'; did you mean 'encrypt'%?", function()
      a:store("key", "x", { encript = false })
    end)
    raises("store_spec.lua:%d+: store: option 'fields' must be a table, not a number", function() a:store("key", "x", { fields = 1 }) end)
    raises("store_spec.lua:%d+: file: a path expected", function() filo.file() end)
    local closed = assert(io.open(net.folder:write("file", "x")))
    closed:close()
    assert.has_error(function() a:store("key", closed) end)
    assert.is_false(a:has "key")
  end)

  describe("of a source that fails", function()
    local function check(a, key, source, pattern)
      assert(a:store(key, "before"))
      local receipt, err = a:store(key, source)
      assert.is_nil(receipt)
      assert.matches(pattern, tostring(err))
      assert.equal(key, err.key)
      assert.equal("before", nodes.content(a, key))
      nodes.wait(function()
        local left <close> = assert(io.popen("find " .. temp.quote(a.root .. "/tmp") .. " -type f"))
        return left:read "a" == ""
      end, "end of the draft")
    end

    it("keeps what was there, and leaves nothing behind", function()
      local net <close> = nodes.net()
      local a = net:cluster(2)
      local half = nodes.bytes(2 * MIB)
      local function after_half(last)
        local given
        return function()
          if given then return last() end
          given = true
          return half
        end
      end
      check(a, "raises", after_half(function() error "no more" end),
        "^cannot store 'raises': the content function failed: .*store_spec.lua:%d+: no more$")
      check(a, "gives up", after_half(function() return nil, "the camera is gone" end),
        "^cannot store 'gives up': the camera is gone$")
      check(a, "error table", after_half(function() return nil, filo.error("timeout", "the camera is slow") end),
        "^cannot store 'error table': the camera is slow$")
      check(a, "number", after_half(function() return 42 end),
        "^cannot store 'number': .*the content function must return strings or objects, not a number$")
      check(a, "no file", filo.file "/no/such/file", "^cannot store 'no file': cannot open /no/such/file: No such file or directory$")
      check(a, "folder", filo.file "/tmp", "^cannot store 'folder': /tmp is a folder: give the files in it$")
    end)

    it("gives the code of the error that the function gave", function()
      local net <close> = nodes.net()
      local a = net:start "a"
      local _, err = a:store("key", function() return nil, filo.error("timeout", "slow", { peer = "x" }) end)
      assert.equal("timeout", err.code)
      assert.equal("x", err.peer)
      assert.is_true(err.retryable)
    end)

    it("can be cancelled", function()
      local net <close> = nodes.net()
      local a = net:start "a"
      local storing = filo.spawn(function()
        a:store("key", function()
          filo.sleep(60)
          return "x"
        end)
      end):observe()
      filo.sleep(0.01)
      storing:cancel "enough"
      local ok, err = pcall(storing.join, storing, 5)
      assert.is_false(ok)
      assert.equal("cancelled", err.code)
      assert.is_false(a:has "key")
      local pipe = net.folder:file "pipe"
      os.execute("mkfifo " .. temp.quote(pipe))
      local receipt, problem = filo.timeout(0.05, a.store, a, "key", filo.file(pipe))
      assert.is_nil(receipt)
      assert.equal("timeout", problem.code)
      assert.is_false(a:has "key")
    end)
  end)

  it("stores many at once, also under the same key", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(3)
    local functions = {}
    for i = 1, 60 do
      functions[i] = function()
        local key = "key " .. i % 20
        assert(a:store(key, ("%d "):format(i):rep(i % 5 == 0 and 100000 or 10)))
        return key
      end
    end
    filo.all(functions)
    for i = 0, 19 do
      local key = "key " .. i
      local here = nodes.content(a, key)
      assert.matches("^(%d+) %1 ", here)
      assert.equal(i, tonumber(here:match "%d+") % 20)
      nodes.wait(function()
        a:evict(key)
        return nodes.content(a, key) == here
      end, "equal copies")
    end
    assert.is_truthy(b)
  end)
end)
