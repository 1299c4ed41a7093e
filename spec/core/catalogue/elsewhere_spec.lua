---What a catalogue knows of objects that lie at peers only.

local catalogues = require "spec.support.catalogues"
local forge = require "spec.support.forge"
local lfs = require "lfs"
local process = require "spec.support.process"
local refused = require "spec.support.refused"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local ME, PEER, LIFE = stores.me:raw_id(), ("p"):rep(32), ("l"):rep(16)
local OWNER = { durability = "group" }

---Notes what a peer lists: names and their records.
local function note(catalogue, after, records, peer)
  local list, paths = {}, {}
  for name, record in pairs(records) do list[#list + 1], paths[#paths + 1] = record, stores.path(name) end
  return catalogues.ask(catalogue, "note", ME, peer or PEER, LIFE, after, list, paths)
end

local function noted(catalogue, peer) return assert(catalogues.ask(catalogue, "noted", ME, peer or PEER)) end

---What there is, as "name version", with a star when it lies elsewhere.
local function listed(catalogue, prefix, most)
  local words = {}
  for i, row in ipairs(catalogues.rows(catalogue, prefix, most)) do
    words[i] = ("%s%s %d"):format(row.elsewhere and "*" or "", row.name, row.version)
  end
  return table.concat(words, ", ")
end

local function with(fn)
  return function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder, OWNER)
    local catalogue <close> = catalogues.open(disk)
    fn(catalogue, disk, folder)
  end
end

describe("a catalogue that is told what peers list", function()
  it("has names of what lies at peers, each in its newest version, in one order with those here", with(function(catalogue, disk)
    for _, name in ipairs { "b", "d" } do catalogues.put(disk, name, "content", { version = 5 }) end
    assert.is_true(note(catalogue, 9, {
      a = catalogues.record("a", 3, { modified = 7, content = "12345" }), b = catalogues.record("b", 6), c = catalogues.record("c", 1),
      d = catalogues.record("d", 4),
    }))
    for most = 1, 5 do assert.equal("*a 3, *b 6, *c 1, d 5", listed(catalogue, "", most)) end
    assert.equal("*b 6", listed(catalogue, "b"))
    local row = catalogues.rows(catalogue, "a")[1]
    assert.same({ 5, 7, false, true }, { row.size, row.modified, row.plain, row.elsewhere })
    assert.same({ 2, 0, 14 }, catalogues.usage(catalogue))
    local names = {}
    for i, each in ipairs(assert(catalogues.ask(catalogue, "records", ME, ""))) do names[i] = each.name or each.key_hash end
    assert.same({ "a", "b", "c", "d" }, names)
  end))

  it("lets the newer version count, from whomever, and whatever comes first", with(function(catalogue, disk)
    note(catalogue, 1, { a = catalogues.record("a", 2) })
    note(catalogue, 1, { a = catalogues.record("a", 1) }, ("q"):rep(32))
    assert.equal("*a 2", listed(catalogue))
    local one, other = catalogues.record("a", 4), catalogues.record("a", 4)
    local larger = one:sub(141, 152) > other:sub(141, 152) and one or other
    note(catalogue, 2, { a = one })
    note(catalogue, 3, { a = other })
    catalogues.put(disk, "a", "content", { version = 3 })
    assert.equal("*a 4", listed(catalogue))
    catalogues.put(disk, "a", "content", { version = 5 })
    assert.equal("a 5", listed(catalogue))
    assert.is_true(note(catalogue, 4, { a = larger }))
    assert.equal("a 5", listed(catalogue))
  end))

  it("forgets what comes here, and remembers what goes from here", with(function(catalogue, disk, folder)
    note(catalogue, 1, { a = catalogues.record("a", 2), b = catalogues.record("b", 2, { etag = "of-b" }) })
    catalogues.put(disk, "a", "content", { version = 3, conflict = "z", etag = "of-a" })
    assert.equal("a 3, *b 2", listed(catalogue))
    assert(disk:remove(ME, stores.path "a"))
    assert.equal("*a 3, *b 2", listed(catalogue))
    assert.same({ "z", "of-a" }, { catalogues.rows(catalogue, "a")[1].conflict, catalogues.rows(catalogue, "a")[1].etag })
    assert.equal("of-b", catalogues.rows(catalogue, "b")[1].etag)
    catalogues.put(disk, "a", "content", { version = 4 })
    assert.equal("a 4, *b 2", listed(catalogue))
    folder:write(stores.file "a", "no sealed object")
    assert(disk:set_aside(ME, stores.path "a"))
    assert.equal("*a 4, *b 2", listed(catalogue))
    catalogues.put(disk, "theirs", "12345", { keys = stores.other })
    assert(disk:remove(stores.other:raw_id(), stores.path "theirs"))
    assert.equal("*a 4, *b 2", listed(catalogue))
  end))

  it("knows of deletions, here and there", with(function(catalogue, disk)
    note(catalogue, 1, { a = catalogues.record("a", 2), b = catalogues.record("b", 2), c = catalogues.record("c", 2) })
    assert(disk:tombstone(stores.me, stores.version(stores.key_hash "a", 3, ""), stores.path "a"))
    local deleted = { deleted = true }
    assert.is_true(note(catalogue, 2, { b = catalogues.record("b", 3, deleted), x = catalogues.record("x", 1, deleted) }))
    assert.equal("*c 2", listed(catalogue))
    assert.is_true(note(catalogue, 3, { a = catalogues.record("a", 2), b = catalogues.record("b", 2) }))
    assert.equal("*c 2", listed(catalogue))
    assert.is_true(note(catalogue, 4, { a = catalogues.record("a", 4), b = catalogues.record("b", 4) }))
    assert.equal("*a 4, *b 4, *c 2", listed(catalogue))
  end))

  it("notes nothing while a deletion of what lies here was not carried out", with(function(catalogue, disk)
    catalogues.put(disk, "a", "content", { version = 2 })
    local page = { a = catalogues.record("a", 3, { deleted = true }) }
    assert.same({ 1 }, note(catalogue, 5, page))
    assert.equal(0, noted(catalogue))
    local partial <close> = assert(disk:partial(stores.path "a", page.a, ""))
    assert(partial:publish())
    assert.is_true(note(catalogue, 5, page))
    assert.equal(5, noted(catalogue))
    assert.equal("", listed(catalogue))
  end))

  it("knows how far each list was read", with(function(catalogue)
    assert.same({ 0 }, { noted(catalogue) })
    assert.is_true(note(catalogue, 7, {}))
    assert.is_true(note(catalogue, 8, {}, ("q"):rep(32)))
    assert.is_true(note(catalogue, 9, {}))
    assert.same({ 9, LIFE }, { catalogues.ask(catalogue, "noted", ME, PEER) })
    assert.equal(8, noted(catalogue, ("q"):rep(32)))
  end))

  it("believes nothing that is not signed, and nothing of others", with(function(catalogue, disk)
    local good = catalogues.record("a", 1)
    refused("corrupt", note(catalogue, 1, { b = catalogues.record("b", 1), a = good:sub(1, -2) .. "?" }))
    refused("corrupt", note(catalogue, 1, { a = good:sub(1, -2) }))
    refused("denied", note(catalogue, 1, { a = forge(stores.other, {}).record }))
    refused("denied", catalogues.ask(catalogue, "note", stores.other:raw_id(), PEER, LIFE, 1, {}, {}))
    assert.equal("", listed(catalogue))
    assert.equal(0, noted(catalogue))
    assert.is_true(note(catalogue, 1, { a = forge(stores.me, { key_hash = stores.key_hash "a" }).record })) -- it has no name
    assert.equal("", listed(catalogue))
    catalogues.put(disk, "c", "content", { version = 3 })
    assert.is_true(note(catalogue, 2, { c = catalogues.record("c", 2):sub(1, -2) .. "?" })) -- nobody looks at what is old
  end))

  it("tells of it who reads beside it", with(function(catalogue, _, folder)
    note(catalogue, 1, { a = catalogues.record("a", 2) })
    local reader <close> = assert(require("filo.core.store").open(stores.root(folder), ME, nil, nil, true))
    local beside <close> = catalogues.open(reader)
    assert.equal("*a 2", listed(beside))
  end))
end)

describe("a catalogue that is made anew", function()
  local function reopen(folder, fn)
    local disk <close> = stores.open(folder, OWNER)
    local catalogue <close> = catalogues.open(disk)
    return fn(catalogue, disk)
  end

  ---Nothing is left beside it.
  local function check_files(folder) assert.is_nil(lfs.attributes(folder:file "root/catalogue.old")) end

  it("keeps what no file tells, after a process that was killed, too", function()
    local folder <close> = temp.folder()
    for i, name in ipairs { "a", "b", "c", "d" } do folder:write("record " .. i, catalogues.record(name, i, { etag = "of-" .. name })) end
    folder:write("deletion", catalogues.record("d", 9, { deleted = true }))
    local script = folder:write("owner.lua", [[
      local catalogues, stores = require "spec.support.catalogues", require "spec.support.stores"
      local function file(_, name) return arg[1] .. "/" .. name end
      local function read(name) local opened <close> = io.open(arg[1] .. "/" .. name) return opened:read "a" end
      local disk = stores.open({ file = file }, { durability = "group" })
      local catalogue = catalogues.open(disk)
      local list, paths = {}, {}
      for i, name in ipairs { "a", "b", "c", "d" } do list[i], paths[i] = read("record " .. i), stores.path(name) end
      assert(catalogues.ask(catalogue, "note", stores.me:raw_id(), ("p"):rep(32), ("l"):rep(16), 4, list, paths))
      for _, name in ipairs { "here", "gone", "gone later" } do catalogues.put(disk, name, "content", { etag = "of-it" }) end
      catalogues.names(catalogue)
      assert(disk:remove(stores.me:raw_id(), stores.path "gone"))
      print "up"
      require "filo".sleep(3600)
    ]])
    do
      local child <close> = process.start { script, folder.path }
      child:expect "up"
      child:kill "KILL"
      child:wait()
    end
    assert(os.remove(folder:file(stores.file "gone later")))
    do -- without a catalogue: nobody is told
      local disk <close> = stores.open(folder, OWNER)
      catalogues.put(disk, "b", "content", { version = 5 })
      local partial <close> = assert(disk:partial(stores.path "d", folder:read "deletion", ""))
      assert(partial:publish())
    end
    for _ = 1, 2 do
      reopen(folder, function(catalogue)
        assert.equal("*a 1, b 5, *c 3, *gone 1, *gone later 1, here 1", listed(catalogue))
        assert.equal(4, noted(catalogue))
        local etags = {}
        for i, row in ipairs(catalogues.rows(catalogue)) do etags[i] = row.etag or "none" end
        assert.same({ "of-a", "none", "of-c", "of-it", "of-it", "of-it" }, etags)
      end)
      check_files(folder)
    end
  end)

  it("begins anew where the one before cannot be read", function()
    local folder <close> = temp.folder()
    local page = {}
    for i = 1, 200 do page[("%s %d"):format(("long name "):rep(20), i)] = true end
    for name in pairs(page) do page[name] = catalogues.record(name, 1) end
    local function fill()
      reopen(folder, function(catalogue, disk)
        for name, record in pairs(page) do note(catalogue, 7, { [name] = record }) end
        if #catalogues.names_here(catalogue) == 0 then catalogues.put(disk, "here") end
      end)
    end
    fill()
    local path = folder:file "root/catalogue"
    local left, forgotten = lfs.attributes(path, "size") // 4096, 0
    for page_number = 0, left - 1 do
      fill()
      local at = math.min(page_number, lfs.attributes(path, "size") // 4096 - 1)
      do -- so that it is not believed
        local disk <close> = stores.open(folder, OWNER)
        assert(disk:wait_idle())
      end
      local file <close> = assert(io.open(path, "r+b"))
      file:seek("set", at * 4096 + 100)
      local byte = file:read(1):byte()
      file:seek("set", at * 4096 + 100)
      assert(file:write(string.char(byte ~ 1)))
      file:close()
      reopen(folder, function(catalogue)
        local all = #catalogues.names(catalogue)
        assert.is_true(all == 201 or all == 1, all)
        assert.equal(all == 1 and 0 or 7, noted(catalogue))
        forgotten = forgotten + (all == 1 and 1 or 0)
      end)
      check_files(folder)
    end
    assert.is_true(forgotten >= left // 4, forgotten .. " of " .. left)
  end)
end)

describe("a catalogue that is given keys", function()
  local function others(catalogue)
    local words = {}
    for i, row in ipairs(assert(catalogues.ask(catalogue, "names", stores.other:raw_id(), "", nil, 512))) do
      words[i] = (row.elsewhere and "*" or "") .. row.name
    end
    return table.concat(words, " ")
  end

  local NAMES = {}
  for i = 1, 300 do NAMES[i] = ("%03d"):format(i) end

  it("reads the names of what lies there, and of what comes", function()
    local folder <close> = temp.folder()
    do
      local disk <close> = stores.open(folder, OWNER)
      local catalogue <close> = catalogues.open(disk)
      catalogues.put(disk, "mine")
      for _, name in ipairs(NAMES) do catalogues.put(disk, name, "content", { keys = stores.other }) end
      assert.equal("", others(catalogue))
      assert(catalogue:add_keys(stores.other))
      assert.equal(table.concat(NAMES, " "), others(catalogue))
      catalogues.put(disk, "new", "content", { keys = stores.other })
      assert.equal(table.concat(NAMES, " ") .. " new", others(catalogue))
      assert(disk:remove(stores.other:raw_id(), stores.path "new"))
      assert.equal(table.concat(NAMES, " ") .. " *new", others(catalogue))
      assert.equal("mine 1", listed(catalogue))
    end
    for _, seen in ipairs { 0, 301 } do -- what was read is there; and it is once the catalogue was made anew
      do
        local disk <close> = stores.open(folder, OWNER)
        local catalogue <close> = assert(disk:catalogue(stores.me, stores.other))
        assert.equal(table.concat(NAMES, " ") .. " *new", others(catalogue))
        assert.same({ "mine 1", seen }, { listed(catalogue), catalogues.seen(catalogue) })
      end
      local disk <close> = stores.open(folder, OWNER)
      assert(disk:wait_idle())
    end
  end)

  it("has all names also of what came while there were no keys", function()
    local folder <close> = temp.folder()
    local function open(fn, ...)
      local disk <close> = stores.open(folder, OWNER)
      local catalogue <close> = assert(disk:catalogue(...))
      fn(catalogue, function(name, version) catalogues.put(disk, name, "content", { keys = stores.other, version = version }) end)
    end
    open(function(catalogue, put)
      put "a"
      assert.equal("a", others(catalogue))
    end, stores.me, stores.other)
    open(function(catalogue, put)
      put "b"
      assert.equal(2, #assert(catalogues.ask(catalogue, "files", stores.other:raw_id(), 0)))
    end, stores.me)
    open(function(catalogue, put)
      put "c"
      assert.equal("a b c", others(catalogue))
    end, stores.me, stores.other)
  end)

  it("beside its owner waits until that one has read them, or makes a copy of its own", function()
    local folder <close> = temp.folder()
    local store = require "filo.core.store"
    do
      local disk <close> = stores.open(folder, OWNER)
      local catalogue <close> = catalogues.open(disk)
      for _, name in ipairs(NAMES) do catalogues.put(disk, name, "content", { keys = stores.other }) end
      local reader <close> = assert(store.open(stores.root(folder), ME, nil, nil, true))
      local beside <close> = assert(reader:catalogue(stores.me, stores.other))
      assert.is_nil(beside:names(stores.other:raw_id(), ""))
      assert(catalogue:add_keys(stores.other))
      assert.equal(table.concat(NAMES, " "), others(beside))
      assert.equal(0, catalogues.seen(beside))
    end
    do
      local disk <close> = stores.open(folder, OWNER)
      catalogues.put(disk, "mine")
      assert(os.remove(folder:file "root/catalogue"))
      local _ <close> = catalogues.open(disk)
    end
    local reader <close> = assert(store.open(stores.root(folder), ME, nil, nil, true))
    local beside <close> = assert(reader:catalogue(stores.me, stores.other))
    assert.equal(table.concat(NAMES, " "), others(beside))
    assert.equal(301, catalogues.seen(beside))
  end)
end)
