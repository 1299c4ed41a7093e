---What a catalogue knows of who holds what lies here, too, and how two of them find out where they differ.

local catalogues = require "spec.support.catalogues"
local crypto = require "filo.core.crypto"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local runtime = require "filo.core.runtime"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local ME, PEER, OTHER = stores.me:raw_id(), ("p"):rep(32), ("q"):rep(32)
local SALT, NOW, DAY = ("s"):rep(16), 1800000000, 24 * 3600
local LEAVES = 256 * 64

local function ask(catalogue, method, ...)
  while true do
    local first, second, third = catalogue[method](catalogue, ...)
    if first then return first, second, third end
    assert(second.code == "busy", second)
    runtime.sleep(0.001)
  end
end

local function mark(catalogue, name, version) return catalogue:mark(ME, stores.key_hash(name), version) end

local function put(disk, version, ...)
  for _, name in ipairs { ... } do catalogues.put(disk, name, "content", { version = version }) end
end

---Marks of some names, all of one version.
local function marks_of(catalogue, version, ...)
  local list = {}
  for i, name in ipairs { ... } do list[i] = mark(catalogue, name, version) end
  return table.concat(list)
end

local function believe(catalogue, node, marks, has, now) return ask(catalogue, "believe", node, marks, has, now or NOW) end

---Which of some names, of version 1, a node is known to hold.
local function held(catalogue, node, ...)
  local names, told = { ... }, ask(catalogue, "believed", node, marks_of(catalogue, 1, ...))
  local list = {}
  for i, name in ipairs(names) do
    if told[i] then list[#list + 1] = name end
  end
  return table.concat(list, " ")
end

local function print_of(catalogue, node, salt) return ask(catalogue, "print", node, salt or SALT) end

---A range of leaves, as it is sent.
local function leaves(first, last) return (">I2I2"):pack(first, last) end

local ALL = leaves(0, LEAVES - 1)

local function with(fn)
  return function()
    local folder <close> = temp.folder()
    local disk <close> = stores.open(folder)
    local catalogue <close> = catalogues.open(disk)
    fn(catalogue, disk, folder)
  end
end

describe("who holds what lies here, too,", function()
  it("is what was told of that version, for each node", with(function(catalogue, disk)
    put(disk, 1, "a", "b", "c")
    assert.equal("", held(catalogue, PEER, "a", "b", "c"))
    assert.equal("", believe(catalogue, PEER, marks_of(catalogue, 1, "a", "c"), true))
    believe(catalogue, OTHER, marks_of(catalogue, 1, "b", "c"), true)
    assert.same({ "a c", "b c" }, { held(catalogue, PEER, "a", "b", "c"), held(catalogue, OTHER, "a", "b", "c") })
    believe(catalogue, PEER, marks_of(catalogue, 1, "a"), false)
    assert.same({ "c", "b c" }, { held(catalogue, PEER, "a", "b", "c"), held(catalogue, OTHER, "a", "b", "c") })
  end))

  it("is noted of what lies here only, which is told", with(function(catalogue, disk)
    put(disk, 1, "a")
    local absent = mark(catalogue, "b", 1) .. mark(catalogue, "a", 2)
    assert.equal(absent, believe(catalogue, PEER, mark(catalogue, "a", 1) .. absent, true))
    put(disk, 1, "b")
    assert.equal("a", held(catalogue, PEER, "a", "b"))
  end))

  it("is not known of another version, nor of what was gone meanwhile", with(function(catalogue, disk)
    put(disk, 1, "a", "b", "c")
    believe(catalogue, PEER, marks_of(catalogue, 1, "a", "b", "c"), true)
    local empty = print_of(catalogue, OTHER)
    put(disk, 2, "a")
    assert(disk:remove(ME, stores.path "b"))
    assert.equal("c", held(catalogue, PEER, "a", "b", "c"))
    put(disk, 1, "b")
    assert.equal("c", held(catalogue, PEER, "a", "b", "c"))
    assert.same({ false }, ask(catalogue, "believed", PEER, mark(catalogue, "a", 2)))
    assert.not_equal(empty, print_of(catalogue, PEER))
    assert(disk:remove(ME, stores.path "c"))
    assert.equal(empty, print_of(catalogue, PEER))
  end))

  it("stays known of a file that is looked at again, and of deletions", with(function(catalogue, disk)
    put(disk, 1, "a")
    believe(catalogue, PEER, mark(catalogue, "a", 1), true)
    do
      local object <close> = assert(disk:object(ME, stores.path "a"))
      assert(object:mark_verified())
    end
    assert.equal("a", held(catalogue, PEER, "a"))
    local tombstone = catalogues.record("b", 1, { deleted = true })
    assert(disk:keep(stores.path "b", tombstone, ""))
    believe(catalogue, PEER, mark(catalogue, "b", 1), true)
    assert.equal("a b", held(catalogue, PEER, "a", "b"))
  end))

  it("is told of by the mark, with where it lies by now", with(function(catalogue, disk, folder)
    local function marked(name, version)
      local rows = ask(catalogue, "marked", mark(catalogue, name, version))
      assert.is_true(#rows <= 1)
      return rows[1] and { rows[1].namespace, rows[1].key_hash, rows[1].version } or nil
    end
    put(disk, 1, "a", "b")
    put(disk, 2, "b")
    assert.same({ ME, stores.key_hash "a", 1 }, marked("a", 1))
    assert.same({ ME, stores.key_hash "b", 2 }, marked("b", 2))
    assert.is_nil(marked("b", 1))
    assert.is_nil(marked("c", 1))
    repeat local taken = stores.try_put(disk, "another content", { key = "a" }) until taken -- of two with one number a hash decides
    assert.same({ ME, stores.key_hash "a", 1 }, marked("a", 1))
    assert(disk:remove(ME, stores.path "a"))
    assert.is_nil(marked("a", 1))
    catalogue:close()
    assert(os.remove(stores.root(folder) .. "/catalogue"))
    catalogue = catalogues.open(disk)
    local _ <close> = catalogue
    assert.same({ ME, stores.key_hash "b", 2 }, marked("b", 2))
    raises("16 bytes expected", catalogue.marked, catalogue, "short")
  end))

  it("is remembered when it is closed in order, and not when it has to be made anew", function()
    local folder <close> = temp.folder()
    local before
    do
      local disk <close> = stores.open(folder, { durability = "group" })
      local catalogue <close> = catalogues.open(disk)
      put(disk, 1, "a", "b")
      believe(catalogue, PEER, mark(catalogue, "a", 1), true)
      before = print_of(catalogue, PEER)
    end
    do
      local disk <close> = stores.open(folder, { durability = "group" })
      local catalogue <close> = catalogues.open(disk)
      assert.equal(before, print_of(catalogue, PEER))
      assert.equal("a", held(catalogue, PEER, "a", "b"))
    end
    assert(os.remove(stores.root(folder) .. "/catalogue"))
    local disk <close> = stores.open(folder, { durability = "group" })
    local catalogue <close> = catalogues.open(disk)
    assert.equal("", held(catalogue, PEER, "a", "b"))
    assert.equal("", believe(catalogue, PEER, marks_of(catalogue, 1, "a", "b"), true))
    assert.equal("a b", held(catalogue, PEER, "a", "b"))
  end)

  it("is known of 256 nodes; one more takes the place of who was silent for longest, a day at least", with(function(catalogue, disk)
    put(disk, 1, "a", "b")
    local both = marks_of(catalogue, 1, "a", "b")
    local function node(i) return crypto.digest("sha256", "node " .. i) end
    for i = 1, 256 do believe(catalogue, node(i), both, true, NOW + i) end
    local print = print_of(catalogue, node(1))
    assert.equal("", believe(catalogue, PEER, both, true, NOW + DAY))
    assert.equal("", held(catalogue, PEER, "a", "b"))
    for _, i in ipairs { 1, 2, 128, 256 } do assert.equal("a b", held(catalogue, node(i), "a", "b")) end
    believe(catalogue, PEER, mark(catalogue, "a", 1), true, NOW + DAY + 1)
    assert.same({ "a", "" }, { held(catalogue, PEER, "a", "b"), held(catalogue, node(1), "a", "b") })
    assert.equal("a b", held(catalogue, node(2), "a", "b"))
    believe(catalogue, PEER, both, true, NOW + DAY + 1)
    assert.equal(print, print_of(catalogue, PEER))
  end))

  it("is not asked for with lists that make no sense", with(function(catalogue)
    raises("too long, or cut", catalogue.believe, catalogue, PEER, "short", true, NOW)
    raises("too long, or cut", catalogue.believed, catalogue, PEER, ("m"):rep(16 * 4097))
    raises("16 bytes expected", catalogue.print, catalogue, PEER, "salt")
    raises("too long, or cut", catalogue.settle, catalogue, PEER, "x", "", NOW)
  end))
end)

---Two nodes that have the same, in some order, and know that of each other.
local function pair(fn, count)
  return function()
    local folders, disks, both = {}, {}, {}
    for i = 1, 2 do
      folders[i] = temp.folder()
      disks[i] = stores.open(folders[i])
      both[i] = catalogues.open(disks[i])
    end
    local names = {}
    for i = 1, count do names[i] = "name " .. i end
    put(disks[1], 1, table.unpack(names))
    table.sort(names, function(a, b) return a > b end)
    put(disks[2], 1, table.unpack(names))
    for i = 1, count, 4096 do
      local marks = marks_of(both[1], 1, table.unpack(names, i, math.min(count, i + 4095)))
      believe(both[1], PEER, marks, true)
      believe(both[2], OTHER, marks, true)
    end
    local ok, err = pcall(fn, both[1], both[2], disks, names)
    for i = 1, 2 do
      both[i]:close()
      disks[i]:close()
      folders[i]:remove()
    end
    assert(ok, err)
  end
end

---Numbers from 0 of the prints that two lists have no alike.
local function differing(a, b)
  assert.equal(#a, #b)
  local list = {}
  for at = 1, #a, 8 do
    if a:sub(at, at + 7) ~= b:sub(at, at + 7) then list[#list + 1] = at // 8 end
  end
  return list
end

describe("prints of what two nodes hold", function()
  it("are alike when that is the same, whatever the order and the salt, and differ with the salt", pair(function(one, two)
    for _, salt in ipairs { SALT, ("t"):rep(16) } do
      assert.same({ print_of(one, PEER, salt), 100 }, { ask(two, "print", OTHER, salt) })
      assert.same({}, differing(ask(one, "prints", PEER, salt), ask(two, "prints", OTHER, salt)))
      assert.same({}, differing(ask(one, "prints", PEER, salt, "\0\x7f\xff"), ask(two, "prints", OTHER, salt, "\0\x7f\xff")))
    end
    assert.not_equal(print_of(one, PEER), print_of(one, PEER, ("t"):rep(16)))
  end, 100))

  it("lead to what differs, by bucket and leaf", pair(function(one, two, disks)
    put(disks[1], 2, "name 7")
    local print = print_of(one, PEER)
    assert.not_equal(print, print_of(two, OTHER))
    local wrong = mark(one, "name 7", 1)
    local buckets = differing(ask(one, "prints", PEER, SALT), ask(two, "prints", OTHER, SALT))
    assert.same({ wrong:byte() }, buckets)
    local bucket = string.char(buckets[1])
    local found = differing(ask(one, "prints", PEER, SALT, bucket), ask(two, "prints", OTHER, SALT, bucket))
    assert.same({ wrong:byte(2) >> 2 }, found)
    local leaf = leaves(buckets[1] * 64 + found[1], buckets[1] * 64 + found[1])
    local mine = ask(one, "marks", PEER, leaf)
    assert.is_nil(mine:find(wrong, 1, true))
    local lacks, more, to = ask(two, "settle", OTHER, leaf, mine, NOW)
    assert.same({ "", wrong, LEAVES }, { lacks, more, to })
    assert.equal(wrong, believe(one, PEER, more, true))
    believe(two, OTHER, wrong, false)
    assert.equal(print_of(one, PEER), print_of(two, OTHER))
  end, 100))

  it("are made alike by what is told of marks, whoever has lost what he knew", pair(function(one, two, disks, names)
    local function known(from, to) return marks_of(one, 1, table.unpack(names, from, to)) end
    believe(one, PEER, known(1, 10), false)
    believe(two, OTHER, known(8, 20), false)
    for i = 21, 25 do assert(disks[2]:remove(ME, stores.path(names[i]))) end
    for i = 24, 30 do assert(disks[1]:remove(ME, stores.path(names[i]))) end
    local mine, to = ask(one, "marks", PEER, ALL)
    assert.same({ 16 * (#names - 17), LEAVES }, { #mine, to })
    local lacks, more, all = ask(two, "settle", OTHER, ALL, mine, NOW)
    assert.same({ 3 * 16, (7 + 5) * 16, LEAVES }, { #lacks, #more, all }) -- 21 to 23; 1 to 7 and 26 to 30
    assert.equal("", believe(one, PEER, lacks, false))
    local gone = believe(one, PEER, more, true)
    assert.equal(5 * 16, #gone)
    believe(two, OTHER, gone, false)
    assert.equal(print_of(one, PEER), print_of(two, OTHER))
    assert.equal(16 * (#names - 13), #ask(one, "marks", PEER, ALL)) -- of 8 to 10 neither knows any more
  end, 100))

  it("are told in pieces of 4096 marks", with(function(catalogue, disk)
    local names = {}
    for i = 1, 4200 do names[i] = "name " .. i end
    put(disk, 1, table.unpack(names))
    for _, from in ipairs { 1, 2101 } do believe(catalogue, PEER, marks_of(catalogue, 1, table.unpack(names, from, from + 2099)), true) end
    local seen, first = 0, 0
    while first < LEAVES do
      local marks, to = ask(catalogue, "marks", PEER, leaves(first, LEAVES - 1))
      assert.is_true(#marks <= 4096 * 16 and to > first)
      local _, more, to_too = ask(catalogue, "settle", PEER, leaves(first, LEAVES - 1), "", NOW)
      assert.same({ #marks, to }, { #more, to_too })
      seen, first = seen + #marks // 16, to
    end
    assert.equal(4200, seen)
  end))
end)

describe("a catalogue of a process that was killed", function()
  it("knows nothing of who holds what, and what it was told since", function()
    local folder <close> = temp.folder()
    local script = [[
      local catalogues, stores = require "spec.support.catalogues", require "spec.support.stores"
      local folder = { file = function(_, name) return arg[1] .. "/" .. name end }
      local disk = stores.open(folder, { durability = "group" })
      local catalogue = catalogues.open(disk)
      catalogues.put(disk, "a")
      local mark = catalogue:mark(stores.me:raw_id(), stores.key_hash "a", 1)
      assert(catalogues.ask(catalogue, "believe", ("p"):rep(32), mark, true, 1) == "")
      print "told"
      require "filo".sleep(3600)
    ]]
    local child <close> = process.start { folder:write("owner.lua", script), folder.path }
    child:expect "told"
    child:kill "KILL"
    child:wait()
    local disk <close> = stores.open(folder, { durability = "group" })
    local catalogue <close> = catalogues.open(disk)
    assert.equal("", held(catalogue, PEER, "a"))
    believe(catalogue, PEER, mark(catalogue, "a", 1), true)
    assert.equal("a", held(catalogue, PEER, "a"))
  end)
end)
