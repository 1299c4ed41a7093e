local catalogues = require "spec.support.catalogues"
local crypto = require "filo.core.crypto"
local store = require "filo.core.store"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local function with(fn, options)
  return function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder, options or { durability = "group" })
    local catalogue <close> = catalogues.open(disk)
    fn(catalogue, disk, folder)
  end
end

local function rows(catalogue, method, ...) return assert(catalogues.ask(catalogue, method, ...)) end

describe("a catalogue", function()
  it("lists names in the order of their bytes, by prefix and page by page", with(function(catalogue, disk)
    local names = { "b", "a/2", "a/10", "a", "a-b", "\xff\xff", "a/\xff", "ä", "a\0b" }
    for _, name in ipairs(names) do catalogues.put(disk, name) end
    table.sort(names)
    for most = 1, 10 do assert.same(names, catalogues.names(catalogue, "", most)) end
    assert.same({ "a/10", "a/2", "a/\xff" }, catalogues.names(catalogue, "a/"))
    assert.same({ "a/\xff" }, catalogues.names(catalogue, "a/\xff"))
    assert.same({ "\xff\xff" }, catalogues.names(catalogue, "\xff"))
    assert.same({}, catalogues.names(catalogue, "c"))
    assert.same({}, catalogues.names(catalogue, ("x"):rep(5000)))
  end))

  it("lists names with a prefix after any name, whether it has that prefix or not", with(function(catalogue, disk)
    local all = { "a", "aa", "aa\0", "ab", "b", "b\0", "b/1", "b/2", "b0", "c", "\xff" }
    for _, name in ipairs(all) do catalogues.put(disk, name) end
    for _, prefix in ipairs { "", "a", "b", "b/", "bb", "\xff", "x" } do
      for _, after in ipairs {
        "", "a", "a\0", "aa", "az", "b", "b/", "b/1", "b/1/", "b0", "bz", "c", "\xff", "\xff\xff", ("aa"):rep(9000),
      } do
        local wanted, found = {}, {}
        for _, name in ipairs(all) do
          if name:sub(1, #prefix) == prefix and name > after then wanted[#wanted + 1] = name end
        end
        for i, row in ipairs(rows(catalogue, "names", stores.me:raw_id(), prefix, after, 512)) do found[i] = row.name end
        assert.same(wanted, found)
      end
    end
  end))

  it("knows at once what has just been stored, replaced, removed, set aside and moved", with(function(catalogue, disk)
    for i = 1, 50 do
      local name = ("%03d"):format(i)
      catalogues.put(disk, name)
      assert.equal(i, #catalogues.names(catalogue))
    end
    local me = stores.me:raw_id()
    catalogues.put(disk, "001", "longer than before", { version = 2, modified = -7 })
    local row = rows(catalogue, "names", me, "001")[1]
    assert.same({ 2, 18, -7, false }, { row.version, row.size, row.modified, row.plain })
    assert(disk:remove(me, stores.path "002"))
    assert(disk:set_aside(me, stores.path "003"))
    assert(disk:tombstone(stores.me, stores.version(stores.key_hash "004", 2, ""), stores.path "004"))
    assert(disk:move(me, stores.path "005", "elsewhere/five"))
    local left, all = catalogues.names_here(catalogue), catalogues.names(catalogue)
    assert.same({ "001", "005", "006", 47 }, { left[1], left[2], left[3], #left })
    assert.same({ "001", "002", "003", "005", 49 }, { all[1], all[2], all[3], all[4], #all })
    assert.same({ 47, 1, 46 * 7 + 18 }, catalogues.usage(catalogue))
    local gone = rows(catalogue, "tombstones", me, 0)
    assert.same({ 1, stores.key_hash "004", 2 }, { #gone, gone[1].key_hash, gone[1].version })
    local paths = {}
    for _, each in ipairs(rows(catalogue, "files", me, 0)) do paths[each.path or "usual"] = each.name end
    assert.equal("005", paths["elsewhere/five"])
  end))

  it("tells what stands for content, as far as that can, also when it is made anew", function()
    local folder <close> = temp.folder()
    local good = { a = "9a0364b9e99bb480dd25e1f0284c8555-2", b = "!", c = ("~"):rep(64) }
    local bad = {
      d = "", e = "a b", f = 'a"', g = ("~"):rep(65), h = "\r\n", i = 7, j = { "a" }, k = "\xe4", l = false, m = "\0", n = "\x7f",
    }
    local function check(disk)
      local catalogue <close> = catalogues.open(disk)
      for name, etag in pairs(good) do assert.equal(etag, rows(catalogue, "names", stores.me:raw_id(), name)[1].etag) end
      for name in pairs(bad) do assert.same({ name }, { rows(catalogue, "names", stores.me:raw_id(), name)[1].name }) end
      for name in pairs(bad) do assert.is_nil(rows(catalogue, "names", stores.me:raw_id(), name)[1].etag) end
      assert.equal("!", rows(catalogue, "records", stores.me:raw_id(), "b")[1].etag)
    end
    do
      local disk <close> = stores.open(folder)
      for _, each in ipairs { good, bad } do
        for name, etag in pairs(each) do catalogues.put(disk, name, "content", { etag = etag }) end
      end
      check(disk)
      local catalogue <close> = catalogues.open(disk)
      catalogues.put(disk, "a", "content", { version = 2 })
      assert.is_nil(rows(catalogue, "names", stores.me:raw_id(), "a")[1].etag)
      catalogues.put(disk, "a", "content", { version = 3, etag = good.a })
    end
    folder:write("root/catalogue", "")
    local disk <close> = stores.open(folder)
    check(disk)
  end)

  it("has names of its own namespace only, and counts all", with(function(catalogue, disk)
    catalogues.put(disk, "mine")
    catalogues.put(disk, "theirs", "12345", { keys = stores.other })
    assert.same({ "mine" }, catalogues.names(catalogue))
    assert.same({ 1, 0, 5 }, catalogues.usage(catalogue, stores.other))
    local row = rows(catalogue, "files", stores.other:raw_id(), 0)[1]
    assert.same({ stores.key_hash "theirs", 5 }, { row.key_hash, row.size })
    assert.is_nil(row.name)
  end))

  it("reads files for who wants what lies there", with(function(catalogue, disk, folder)
    for _, name in ipairs { "a", "b", "c" } do catalogues.put(disk, name) end
    assert.same({ "a", "b", "c" }, catalogues.names(catalogue))
    assert(os.remove(folder:file(stores.file "a")))
    folder:write(stores.file "b", "no sealed object")
    local page = rows(catalogue, "records", stores.me:raw_id(), "")
    assert.same({ 2, "corrupt", stores.path "b" }, { #page, page[1].problem, page[1].path })
    assert.is_truthy(store.parse(page[2].record))
    assert.equal("c", (select(2, catalogue:records(stores.me:raw_id(), ""))))
  end))

  it("finds what is of an older generation, oldest first and page by page, and no deletion", with(function(catalogue, disk)
    local me = stores.me:raw_id()
    for i, generation in ipairs { 2, 0, 1, 0, 3 } do catalogues.put(disk, "key " .. i, "content", { generation = generation }) end
    assert(disk:tombstone(stores.me, stores.version(stores.key_hash "gone", 2, ""), stores.path "gone"))
    local function outdated(below, most)
      local found, last = {}, nil
      repeat
        local page = rows(catalogue, "outdated", me, below, last and last.generation or 0, last and last.id or 0, most)
        for _, row in ipairs(page) do found[#found + 1] = row.name end
        last = page[#page]
      until not last
      return found
    end
    for most = 1, 4 do assert.same({ "key 2", "key 4", "key 3" }, outdated(2, most)) end
    assert.same({}, outdated(0))
    assert.same({ 3, 3 }, { catalogues.ask(catalogue, "generations", me, 2) })
    assert.same({ 0, 0 }, { catalogues.ask(catalogue, "generations", stores.other:raw_id(), 2) })
  end))

  it("has those first that were verified longest ago", function()
    local folder <close> = temp.folder()
    do
      local disk <close> = stores.open(folder)
      for _, name in ipairs { "a", "b", "c" } do catalogues.put(disk, name) end
    end
    assert(os.execute(("find '%s/objects' -type f -exec touch -d 2001-01-01 {} +"):format(folder:file "root"))) -- as who writes to them
    local disk <close> = stores.open(folder)
    local catalogue <close> = catalogues.open(disk)
    local function order()
      local names, verified, after = "", -1, 0
      while true do
        local row = rows(catalogue, "stalest", stores.me:raw_id(), verified, after, 1)[1]
        if not row then return names end
        names, verified, after = names .. row.name, row.verified, row.id
      end
    end
    local first = order():sub(1, 1)
    local object <close> = stores.object(disk, first)
    assert(object:mark_verified())
    assert.matches("^%l%l" .. first .. "$", order())
    local row = rows(catalogue, "names", stores.me:raw_id(), first)[1]
    assert.is_true(math.abs(row.verified - os.time()) < 60)
  end)
end)

describe("a catalogue of several namespaces", function()
  it("has all of them, and deletions, in the order of when they were verified, up to a time", function()
    local folder <close> = temp.folder()
    do
      local disk <close> = stores.open(folder)
      for i = 1, 3 do catalogues.put(disk, "mine " .. i, ("x"):rep(10 - i)) end
      catalogues.put(disk, "theirs", "12345", { keys = stores.other })
      assert(disk:tombstone(stores.me, stores.version(stores.key_hash "gone", 2, ""), stores.path "gone"))
    end
    assert(os.execute(("find '%s/objects' -type f -exec touch -d 2001-01-01 {} +"):format(folder:file "root"))) -- as who writes to them
    local disk <close> = stores.open(folder)
    local catalogue <close> = catalogues.open(disk)
    local object <close> = stores.object(disk, "mine 1")
    assert(object:mark_verified())
    local now = os.time() + 60
    local function walk(until_time, most)
      local sizes, place = {}, { -1, 0, 0 }
      while true do
        assert(catalogues.ask(catalogue, "older", place[1], place[2], place[3], until_time))
        local count, bytes, life = catalogue:older(place[1], place[2], place[3], until_time)
        local page = rows(catalogue, "oldest", place[1], place[2], place[3], until_time, most)
        local left, last = 0, page[#page]
        for _, row in ipairs(page) do
          sizes[#sizes + 1], left = row.size, left + row.size
          assert.equal(32, #row.namespace)
        end
        assert.is_true(count >= #page and bytes >= left and #life == 16)
        assert.equal(count == 0, last == nil)
        if not last then return sizes end
        place = { last.verified, last.size, last.id }
      end
    end
    for most = 1, 6 do assert.same({ 0, 5, 7, 8, 9 }, walk(now, most)) end
    assert.same({ 0, 5, 7, 8 }, walk(0))
    assert.equal(0, #walk(-1))
    assert.equal(5, #walk(math.maxinteger))
    local row = rows(catalogue, "at", stores.me:raw_id(), stores.path "mine 2")[1]
    assert.same({ stores.key_hash "mine 2", 1 }, { row.key_hash, row.version })
    assert.same({}, rows(catalogue, "at", stores.me:raw_id(), stores.path "never"))
    assert.same({}, rows(catalogue, "at", ("n"):rep(32), stores.path "never"))
  end)
end)

describe("a catalogue that was closed in order", function()
  ---Opens the store anew, and gives what fn(catalogue, disk) does.
  local function reopen(folder, fn)
    local disk <close> = stores.open(folder, { durability = "group" })
    local catalogue <close> = catalogues.open(disk)
    return fn(catalogue, disk)
  end

  local function fill(folder)
    reopen(folder, function(_, disk)
      for i = 1, 10 do catalogues.put(disk, ("name %02d"):format(i)) end
    end)
  end

  local function check(folder, seen)
    reopen(folder, function(catalogue)
      assert.equal(10, #catalogues.names_here(catalogue))
      assert.same({ 10, 0, 70 }, catalogues.usage(catalogue))
      assert.equal(seen, catalogues.seen(catalogue))
    end)
  end

  it("is opened without going over the files", function()
    local folder <close> = temp.folder()
    fill(folder)
    for _ = 1, 3 do check(folder, 0) end
  end)

  it("is for its owner only", function()
    local folder <close> = temp.folder()
    fill(folder)
    assert.equal("600", (io.popen("stat -c %a " .. folder:file "root/catalogue"):read "l"))
  end)

  it("is made anew when something has changed of which it was not told", function()
    local folder <close> = temp.folder()
    fill(folder)
    do
      local disk <close> = stores.open(folder, { durability = "group" })
      catalogues.put(disk, "name 11")
      assert(disk:remove(stores.me:raw_id(), stores.path "name 01"))
    end
    check(folder, 10)
    do
      local disk <close> = stores.open(folder, { durability = "group" })
      assert(disk:wait_idle())
    end
    check(folder, 10) -- nothing has changed, but who had the root open has left nothing
  end)

  it("is made anew when it is gone, is another one, or is none", function()
    local folder <close> = temp.folder()
    fill(folder)
    local path = "root/catalogue"
    local kept = folder:read(path)
    check(folder, 0)
    folder:write(path, kept) -- that of the time before
    check(folder, 10)
    assert(os.remove(folder:file(path)))
    check(folder, 10)
    folder:write(path, "nothing of the kind")
    check(folder, 10)
    folder:write(path, "")
    check(folder, 10)
    check(folder, 0)
  end)

  it("is made anew when its layout is another one's", function()
    local folder <close> = temp.folder()
    fill(folder)
    local bytes = folder:read "root/catalogue"
    local function write(version)
      local page = bytes:sub(1, 63) .. string.char(version) .. bytes:sub(65, 4088) -- SQLite's user_version
      folder:write("root/catalogue", page .. crypto.digest("blake3", ("\0"):rep(8) .. page):sub(1, 8) .. bytes:sub(4097))
    end
    write(bytes:byte(64))
    assert.is_true(bytes == folder:read "root/catalogue") -- each page ends so
    write(bytes:byte(64) + 1)
    check(folder, 10)
    check(folder, 0)
  end)
end)
