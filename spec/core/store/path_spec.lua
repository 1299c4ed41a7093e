local crypto = require "filo.core.crypto"
local lfs = require "lfs"
local refused = require "spec.support.refused"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local me = stores.me

describe("a path", function()
  local hash = stores.key_hash "key"

  it("is made of a digest", function()
    local digests = {
      md5 = crypto.hex(crypto.digest("md5", hash)),
      sha1 = crypto.hex(crypto.digest("sha1", hash)),
      sha256 = crypto.hex(crypto.digest("sha256", hash)),
    }
    for name, digits in pairs(digests) do
      assert.equal(digits, store.cas_path(name, 1, 0, hash))
      assert.equal(("%s/%s/%s"):format(digits:sub(1, 2), digits:sub(3, 4), digits), store.cas_path(name, 2, 2, hash))
      assert.equal(digits:gsub("%x", "%0/", 16) .. "", (store.cas_path(name, 1, 16, hash):gsub("/%x+$", "/" .. digits:sub(17))))
    end
    local sha1 = digests.sha1 -- the prototype's layout
    assert.equal(sha1:gsub("%x%x%x%x%x", "%0/") .. sha1, store.cas_path("sha1", 5, 8, hash))
    assert.equal(digests.sha256 .. "/" .. digests.sha256, store.cas_path("sha256", 64, 1, hash))
  end)

  it("is not made of what does not fit", function()
    for _, case in ipairs {
      { "sha1", 0, 2 }, { "sha1", 65, 0 }, { "sha1", 2, 17 }, { "sha1", 2, -1 }, { "sha1", -2, 2 }, { "md5", 3, 11 },
      { "sha1", 41, 1 }, { "sha1", 2 + (1 << 32), 2 }, { "sha1", 2, 2 + (1 << 32) }, { "sha256", 64, 2 },
    } do
      refused("invalid", store.cas_path(case[1], case[2], case[3], hash))
    end
    assert.error_matches(function() store.cas_path("sha512", 2, 2, hash) end, "md5, sha1, sha256 or blake3")
    assert.error_matches(function() store.cas_path("sha1", 2, 2, hash .. "x") end, "32 bytes")
  end)

  local allowed = {
    "a", "a/b/c", "...", "..a", "a..", "a/.b", "a b", "\u{e9}\u{4e2d}", "\xff\xfe", "~", "a\\..\\b", "-rf", "*",
    ("x"):rep(255), ("x/"):rep(255) .. "y", ("x"):rep(255) .. "/" .. ("y"):rep(255),
  }
  local forbidden = {
    "", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/.", "a/..", "a/./b", "a/../b", "../../x", "a\0b", "\0",
    "a\nb", "\x7f", "\x1f", ("x"):rep(256), "a/" .. ("x"):rep(256), ("x/"):rep(256) .. "y", ("x"):rep(512),
  }

  it("stays within the root", function()
    for _, path in ipairs(allowed) do assert.is_true(store.check_path(path), path) end
    for _, path in ipairs(forbidden) do refused("invalid", store.check_path(path)) end
  end)

  it("is checked wherever it is given", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local deposit <close> = disk:deposit(nil, false, false)
    assert(deposit:finish())
    for _, path in ipairs(forbidden) do
      for _, call in ipairs {
        function() disk:stat(me:raw_id(), path) end,
        function() disk:object(me:raw_id(), path) end,
        function() disk:remove(me:raw_id(), path) end,
        function() disk:set_aside(me:raw_id(), path) end,
        function() disk:partial(path, "record") end,
        function() disk:tombstone(me, stores.version(hash, 1, ""), path) end,
        function() deposit:publish(me, stores.version(hash, 1, ""), path) end,
      } do
        assert.error_matches(call, "path")
      end
    end
    for _, path in ipairs(allowed) do
      assert(stores.put(disk, path, { path = path, key = path }))
      assert.equal(#path, assert(disk:stat(me:raw_id(), path)).size)
      assert(disk:remove(me:raw_id(), path))
    end
    assert.same({}, stores.list(folder:file "root/objects"))
  end)

  it("is not followed through a symbolic link", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    assert(lfs.mkdir(folder:file "outside"))
    stores.put(disk, "content", { path = "in/side" })
    local namespace = folder:file("root/objects/" .. me:id())
    assert(lfs.link(folder:file "outside", namespace .. "/link", true))
    assert(os.rename(namespace .. "/in/side", folder:file "outside/side"))
    assert(lfs.link(folder:file "outside/side", namespace .. "/in/side", true))
    for _, path in ipairs { "link/x", "link/side" } do
      assert.matches("symbolic link", refused("denied", stores.try_put(disk, "content", { path = path, version = 2 })))
      refused("denied", disk:object(me:raw_id(), path))
      refused("denied", disk:remove(me:raw_id(), path))
    end
    refused("denied", disk:stat(me:raw_id(), "in/side"))
    stores.put(disk, "new", { path = "in/side" }) -- replaces the link, not its target
    assert.equal(3, assert(disk:stat(me:raw_id(), "in/side")).size)
    assert.same({ "side" }, stores.list(folder:file "outside"))
    assert.same({}, stores.drafts(folder))
  end)

  it("is of one key", function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "one", { key = "one", path = "same" })
    assert.matches("two keys to one path", refused("invalid", stores.try_put(disk, "two", { key = "two", path = "same", version = 2 })))
    refused("invalid", stores.try_put(disk, "below", { key = "two", path = "same/below" }))
    stores.put(disk, "deep", { key = "deep", path = "d/e/ep" })
    assert.matches("folder", refused("invalid", stores.try_put(disk, "two", { key = "two", path = "d/e" })))
    refused("not_found", disk:stat(me:raw_id(), "d/e"))
    refused("not_found", disk:stat(me:raw_id(), "same/below"))
    assert.same({}, stores.drafts(folder))
    assert.equal(3, assert(disk:stat(me:raw_id(), "same")).size)
  end)

  it("that cannot be is refused before a copy for it comes", function()
    local elsewhere <close> = temp.folder()
    local there <close> = stores.open(elsewhere)
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    stores.put(disk, "one", { key = "one", path = "same" })
    local record = stores.put(there, "two", { key = "two" })
    assert.matches("where it needs a folder", refused("invalid", disk:partial("same/below", record)))
    assert.same({}, stores.drafts(folder))
  end)
end)
