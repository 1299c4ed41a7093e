local nodes = require "spec.support.nodes"
local store = require "filo.core.store"

-- A root that was opened with another option `path` showed nothing of what was in it; what was stored then lay beside that, and what was
-- deleted came back with the old option.

local MD5 = { digest = "md5" }
local function reversed(hash) return hash:reverse() end

local function refused(net, given, pattern)
  local node, err = net:try("a", given)
  assert.is_nil(node)
  assert.equal("denied", err.code)
  assert.matches(pattern, tostring(err))
end

---A root with an object "key", and one of a peer; both are stopped.
local function made(net, given)
  local a = net:start("a", given)
  assert(a:store("key", "content"))
  local b = net:start("b", { bootstrap = { a.address } })
  nodes.peers(a, 1)
  assert(b:store("theirs", "of b"))
  local theirs = { owner = b:namespace().id, hash = b:key_hash "theirs" }
  net:stop "a"
  net:stop "b"
  return theirs
end

local function marker(net) return net.folder:read "a/filo-root" end
local function write_marker(net, text) net.folder:write("a/filo-root", text) end

describe("a root with objects", function()
  it("is refused with another option path, which says what it has", function()
    local net <close> = nodes.net()
    made(net)
    refused(net, { path = MD5 }, "another option 'path' %(digest sha1, width 2, depth 1%).* this one %(digest md5, width 2, depth 1%).*"
      .. "convert = true")
    refused(net, { path = { depth = 2 } }, "this one %(digest sha1, width 2, depth 2%)")
    refused(net, { path = reversed }, "this one %(a function, %x+%)")
    refused(net, { path = MD5, readonly = true, listen = nodes.NONE }, "another option 'path'")
    refused(net, { path = MD5, readonly = true, convert = true, listen = nodes.NONE }, "another option 'path'")
    assert.equal("content", nodes.content(net:start "a", "key"))
  end)

  it("tells one function from another by what it does", function()
    local net <close> = nodes.net()
    made(net, { path = reversed })
    refused(net, {}, "another option 'path' %(a function, %x+%)")
    refused(net, { path = function(hash) return hash end }, "another option 'path'")
    assert.equal("content", nodes.content(net:start("a", { path = function(hash) return hash:reverse() end }), "key"))
  end)

  it("is refused with another option hash_key, which no conversion helps", function()
    local net <close> = nodes.net()
    local function hash_key(key) return "x" .. key end
    made(net)
    refused(net, { hash_key = hash_key, convert = true }, "another option 'hash_key' %(default%).* this one %(a function, %x+%)")
    net:start "a"
  end)

  it("is converted when it is told so", function()
    local net <close> = nodes.net()
    local theirs = made(net)
    for _, path in ipairs { MD5, reversed, { depth = 0 } } do
      local a = net:start("a", { path = path, convert = true })
      assert.is_truthy(net:logged "2 objects were moved")
      assert.equal("content", nodes.content(a, "key"))
      assert.is_true(nodes.exists(("%s/objects/%s/%s"):format(a.root, theirs.owner, a:path_of(theirs.hash))))
      local count = 0
      for _ in a:list() do count = count + 1 end
      assert.equal(1, count)
      net:stop "a"
      refused(net, {}, "another option 'path'")
      net:start("a", { path = path }) -- from now on without
      net:stop "a"
    end
  end)

  it("goes on with a conversion that was cut off", function()
    local net <close> = nodes.net()
    made(net)
    local text = marker(net)
    write_marker(net, (text:gsub("layout path %x+ %b()", "layout unfinished path 0123456789abcdef (a function)")))
    refused(net, {}, "another option 'path' %(a function, 0123456789abcdef%)")
    assert.equal("content", nodes.content(net:start("a", { path = MD5, convert = true }), "key"))
  end)

  it("keeps the newest version of what lies at both places", function()
    local net <close> = nodes.net()
    for _, newest in ipairs { "at the old place", "at the new place" } do
      local a = net:start("a", { path = MD5, convert = true })
      local hash = a:key_hash "key"
      local function write(content)
        assert(a:store("key", content))
        local path = a:path_of(hash)
        local file <close> = assert(io.open(("%s/objects/%s/%s"):format(a.root, a:namespace().id, path), "rb"))
        return file:read "a"
      end
      local old, new = write "older", write "newer"
      local folder = ("%s/objects/%s/"):format(a.root, a:namespace().id)
      local here, there = a:path_of(hash), assert(store.cas_path("sha1", 2, 1, hash))
      net:stop "a"
      os.execute(("mkdir -p '%s'"):format((folder .. there):match "^(.*)/"))
      local first = newest == "at the new place"
      for path, bytes in pairs { [here] = first and old or new, [there] = first and new or old } do
        local file <close> = assert(io.open(folder .. path, "wb"))
        assert(file:write(bytes))
      end
      assert.equal("newer", nodes.content(net:start("a", { convert = true }), "key"))
      assert.is_false(nodes.exists(folder .. here))
      net:stop "a"
    end
  end)
end)

describe("a root without objects", function()
  it("takes any option path", function()
    local net <close> = nodes.net()
    for _, path in ipairs { {}, MD5, reversed } do
      net:start("a", { path = path })
      net:stop "a"
    end
    assert.matches("\nlayout path %x+ %(a function%), keys default\n$", marker(net))
  end)
end)

describe("a root whose marker tells nothing of where its objects lie", function()
  it("takes the option with which they are found, and no other", function()
    local net <close> = nodes.net()
    made(net)
    local old = marker(net):match "^.-\n.-\n"
    write_marker(net, old)
    refused(net, { path = MD5 }, "another option 'path' %(unknown%)")
    assert.equal(old, marker(net))
    net:start "a"
    net:stop "a"
    assert.matches("\nlayout path %x+ %(digest sha1, width 2, depth 1%), keys default\n$", marker(net))
    write_marker(net, old)
    assert.equal("content", nodes.content(net:start("a", { path = MD5, convert = true }), "key"))
  end)
end)
