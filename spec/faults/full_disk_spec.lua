local forge = require "spec.support.forge"
local nodes = require "spec.support.nodes"
local small_disk = require "spec.support.disk"
local stores = require "spec.support.stores"
local strangers = require "spec.support.stranger"
local temp = require "spec.support.temp"

describe("a full disk", function()
  it("refuses what is new, keeps what is there, takes deletions; with room again the node goes on", function()
    local disk <close> = small_disk.mount(12 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    for _, durability in ipairs { "full", "group", "none" } do
      local root = disk:file(durability)
      local a = net:start("a", { root = root, durability = durability })
      for i = 1, 3 do assert(a:store("small " .. i, "content " .. i)) end
      a:usage() -- its catalogue has what it is to have, and gives no room back that it has not got
      disk:fill()
      for size = 0, 4 << 20, 2 << 20 do
        local receipt, err = a:store("new", nodes.bytes(size))
        assert.is_nil(receipt)
        assert.equal("no_space", err.code)
        assert.is_true(err.retryable)
        assert.matches("^cannot store 'new': ", tostring(err))
      end
      assert.is_false(a:has "new")
      local left <close> = assert(io.popen(("ls -A %s/tmp"):format(temp.quote(root))))
      assert.equal("", left:read "a")
      assert.equal("content 1", nodes.content(a, "small 1"))
      nodes.drop(a, "small 1")
      a = net:restart "a"
      assert.equal("content 2", nodes.content(a, "small 2"))
      disk:empty()
      assert(a:store("new", nodes.bytes(4 << 20)))
      assert.is_true(nodes.bytes(4 << 20) == nodes.content(a, "new"))
      net:stop "a"
      assert.is_true((os.execute("rm -r " .. temp.quote(root))))
    end
  end)

  it("is no place for a new node, which leaves the disk as it was", function()
    local disk <close> = small_disk.mount(1 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    disk:fill()
    local node, err = net:try("a", { root = disk:file "a" })
    assert.is_nil(node)
    assert.equal("no_space", err.code)
    assert.matches("No space left on device$", tostring(err))
    disk:empty()
    net:start("a", { root = disk:file "a" })
    net:stop "a"
  end)
end)

describe("deleting", function()
  it("works at zero bytes free, at the owner and at a peer", function()
    local disk <close> = small_disk.mount(4 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a, b = net:cluster(2, {}, { a = { root = disk:file "a" }, b = { root = disk:file "b" } })
    for i, size in ipairs { 1, 5000, 300000 } do assert(a:store("key " .. i, nodes.bytes(size))) end
    for _, node in ipairs { a, b } do node:usage() end
    disk:fill()
    assert.equal("no_space", select(2, a:store("new", "x")).code)
    for i = 1, 3 do
      assert.same({ a.id, b.id }, assert(a:delete("key " .. i)).copies)
      disk:fill()
    end
    for i = 1, 3 do
      local object, err = a:get("key " .. i)
      assert.is_nil(object)
      assert.matches("was deleted$", tostring(err))
    end
    net:stop "a"
    net:stop "b"
  end)
end)


-- The error of a get whose copy finds no room on the disk here did not say what to do.
describe("a get on a full disk", function()
  it("says what has no room, where, and what to do; it leaves nothing, and works once there is room", function()
    local disk <close> = small_disk.mount(12 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a = net:cluster(2, {}, { a = { root = disk:file "a" } })
    for _, size in ipairs { 10, 3 << 20 } do
      assert(a:store("key", nodes.bytes(size)))
      assert(a:evict "key")
      a:usage() -- the catalogue has all of that, and gives no room back later
      disk:fill()
      local item, err = a:fetch "key"
      assert.is_nil(item)
      assert.equal("no_space", err.code)
      assert.is_true(err.retryable)
      assert.matches("^cannot get 'key': no room for %d+ bytes more in .*/a: .*; free some on its disk$", tostring(err))
      local bytes, problem = nodes.content(a, "key")
      assert.is_true(bytes == (size == 10 and nodes.bytes(size) or nil)) -- what is small is had all the same
      assert.equal(size == 10 and "nil" or tostring(err), tostring(problem))
      nodes.kept(a, "key")
      assert.same({}, stores.list(disk:file "a/tmp"))
      disk:empty()
      assert.is_true(nodes.bytes(size) == nodes.content(a, "key"))
    end
    net:stop "a"
  end)
end)

-- A peer could fill the reserve with deletions, of up to 64 KiB each, of objects that were not here. Small objects leave the reserve free.

local RESERVE, BLOCKS = 4 << 20, 64 << 10 -- what is asked for is rounded up to blocks, and folders come on top
local TOMBSTONE = 1

local function free(path)
  local pipe <close> = assert(io.popen(("stat -f -c '%%a %%S' %s"):format(temp.quote(path))))
  return pipe:read "n" * pipe:read "n"
end

---Stores small objects, or tombstones, until one is refused. Gives how many were taken, and the code.
local function store_until_refused(stranger, first, fields)
  for i = first, first + 10000 do
    fields.key_hash = ("%032d"):format(i)
    local forged = forge(stranger.keys, fields)
    local body, err = stranger:ask("store", { record = forged.record, body = forged.hashes .. forged.content })
    if not body then return i - first, err.code end
  end
  error "nothing was refused"
end

describe("the reserve", function()
  it("is kept from small objects of a peer, and from deletions of what is not here", function()
    local disk <close> = small_disk.mount(12 << 20) or pending(small_disk.WHY_NOT)
    local net <close> = nodes.net()
    local a = net:start("a", { root = disk:file "a", reserve = RESERVE })
    local stranger <close> = strangers.meet(a)
    local kept, code = store_until_refused(stranger, 1, { content = nodes.bytes(60000) })
    assert.equal("no_space", code)
    assert.is_true(kept > 50, kept)
    assert.equal("no_space", select(2, store_until_refused(stranger, 20000, { content = "x" })))
    assert.is_true(free(disk.path) >= RESERVE - BLOCKS)
    local deletion = { flags = TOMBSTONE, version = 6, sealed = ("m"):rep(65000) }
    local taken
    taken, code = store_until_refused(stranger, 40000, deletion)
    assert.same({ 0, "no_space" }, { taken, code })
    assert.same({ 0, "no_space" }, { store_until_refused(stranger, 1, deletion) }) -- what it would replace is smaller
    assert.is_true(free(disk.path) >= RESERVE - BLOCKS)
    local forged = forge(stranger.keys, { key_hash = ("%032d"):format(1), content = nodes.bytes(60000) })
    assert.equal(forged.record, assert(stranger:find(forged)).record)
    deletion.sealed, deletion.key_hash = nil, forged.key_hash
    local small = forge(stranger.keys, deletion)
    assert(stranger:ask("store", { record = small.record, body = "" }))
    assert.equal(small.record, assert(stranger:find(forged)).record)
    net:stop "a"
  end)
end)
