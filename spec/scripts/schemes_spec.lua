---The schemes of scripts/schemes on real nodes: what each promises. And all of them in the simulator.

local filo = require "filo"
local nodes = require "spec.support.nodes"
local schemes = require "spec.support.schemes"
local sim = require "filo.sim"
local temp = require "spec.support.temp"
local virtual = require "spec.support.simulated"

local FILES = {}
for _, file in ipairs(assert(filo.folder "scripts/schemes")) do FILES[#FILES + 1] = file.name end

describe("scripts/schemes", function()
  for _, name in ipairs(FILES) do
    it(("are short and say how to try them: %s"):format(name), function()
      local file <close> = assert(io.open("scripts/schemes/" .. name))
      local text = file:read "a"
      assert.is_true(select(2, text:gsub("\n", "")) <= 80)
      assert.matches("^%-%- ", text)
      assert.is_truthy(text:find("\n--   filo sim scripts/schemes/" .. name, 1, true))
    end)

    it(("hold to every promise in the simulator: %s"):format(name), function()
      local scheme = assert(sim.load("scripts/schemes/" .. name))
      local result = sim.run { scheme = scheme, nodes = 5, hours = 1.5, seed = 7, rate = 2 }
      assert(not result.violations[1] and not result.problems.first, sim.text(result))
      assert.is_true(result.counts.put.done > 0 and result.passed.readable > 0)
    end)
  end
end)

describe("weighted rendezvous", function()
  it("gives each member its part by what it is good for, and moves nothing but what one had that leaves", function()
    local place = schemes.load("rendezvous").policy.place
    local function members(count)
      local list = {}
      for i = 1, count do list[i] = { id = ("%064x"):format(i), capacity = (i == 1 and 3 or 1) * 1e12 } end
      return list
    end
    local has, moved = {}, 0
    for i = 1, 600 do
      local object = { key_hash = filo.crypto.digest("sha256", "object " .. i) }
      local before, wanted = place(object, members(5))
      assert.equal(2, wanted)
      has[before[1].id] = (has[before[1].id] or 0) + 1
      local after = place(object, members(4)) -- the fifth has left
      local left = {}
      for _, member in ipairs(before) do
        if member.id ~= ("%064x"):format(5) then left[#left + 1] = member.id end
      end
      for at, id in ipairs(left) do moved = moved + (after[at].id ~= id and 1 or 0) end
    end
    assert.equal(0, moved)
    local first = has[("%064x"):format(1)]
    assert.is_true(first > 600 * 3 / 7 * 0.8 and first < 600 * 3 / 7 * 1.2, first .. " of 600, where 3 of 7 are due")
  end)

  it("has three copies of each object", function()
    local net <close> = nodes.net()
    local list = schemes.cluster(net, "rendezvous", 5)
    for i = 1, 5 do assert.equal(3, #assert(list[1].node:store("key" .. i, "content")).copies) end
  end)
end)

describe("zones", function()
  it("have copies in two of them, none at a phone, and tell when one is gone", virtual(function(net, host)
    local scheme, prints = schemes.load "zones"
    local function given(zone, tags) return { policy = scheme.policy, about = { zone = zone, tags = tags } } end
    local a, _, _, phone = net:cluster(4, nil, { a = given "x", b = given "x", c = given "y", d = given("y", { "phone" }) })
    a:spawn(scheme.start, a)
    for i = 1, 5 do assert(a:store("key" .. i, "content")) end
    host.sleep(30)
    for i = 1, 5 do
      local there = {}
      for _, copy in ipairs(a:copies("key" .. i)) do there[#there + 1] = copy.version and copy.node or nil end
      assert.equal(3, #there)
      for _, id in ipairs(there) do assert.not_equal(phone.id, id) end
    end
    net:stop "c"
    net:stop "d"
    host.sleep(30)
    assert.same({ "zone y is gone, all 2 of it: in 600 s its copies are made elsewhere" }, prints)
  end))
end)

describe("primary and backup", function()
  it("both have what is stored; who has lost the primary gets it back from the backup", function()
    local net <close> = nodes.net()
    local list = schemes.cluster(net, "primary-backup", 3)
    local primary = list[1].node
    local receipt = assert(primary:store("key", "content"))
    assert.equal(2, #receipt.copies)
    local place = nodes.place(primary, primary, "key")
    net:stop "a"
    assert(os.remove(place))
    local again = net:restart "a"
    nodes.peers(again, 2)
    assert.equal("content", nodes.content(again, "key"))
  end)

  it("takes the next on the ring a minute after the backup went", virtual(function(net, host)
    local scheme = schemes.load "primary-backup"
    local a, b, c = net:cluster(3, { policy = scheme.policy })
    local backup = assert(a:store("key", "content")).copies[2]
    local other = backup == b.id and c or b
    net:stop(backup == b.id and "b" or "c")
    host.sleep(600)
    local found
    for _, copy in ipairs(a:copies "key") do found = found or copy.node == other.id and copy.version end
    assert.is_truthy(found)
  end))
end)

describe("chain replication", function()
  it("has it at the tail before put returns, handed on from one to the next", function()
    local net <close> = nodes.net()
    local list = schemes.cluster(net, "chain", 4)
    local client, passed = list[1], {}
    for i, each in ipairs(list) do
      each.node:on("accepted", function(_, from) table.insert(passed, { to = i, from = from.id }) end)
    end
    assert(client.scheme.put(client.node, "key", "content"))
    assert.same({ 1, 2, 3, 4 }, schemes.holders(list, client.node, "key"))
    assert.equal(3, #passed)
    assert.equal(client.node.id, passed[1].from)
    assert.equal(list[passed[1].to].node.id, passed[2].from)
    assert.equal(list[passed[2].to].node.id, passed[3].from)
    local tail = list[passed[3].to].node
    local object <close> = assert(client.scheme.get(client.node, "key"))
    assert.equal("content", object:read "a")
    nodes.drop_at(client.node, tail, "key") -- then the one before it is asked
    assert.equal("content", schemes.content(client.scheme.get(client.node, "key")))
  end)

  it("goes on with those that are left when a link is gone", function()
    local net <close> = nodes.net()
    local list = schemes.cluster(net, "chain", 4)
    net:stop "d"
    list[4].node = nil
    nodes.peers(list[1].node, 2)
    local receipt, err = list[1].scheme.put(list[1].node, "key", "content")
    receipt = receipt or err.receipt
    assert.equal(3, #receipt.copies)
    assert.equal("content", schemes.content(list[1].scheme.get(list[1].node, "key")))
  end)
end)

describe("reads with read repair", function()
  it("make good what is older or missing elsewhere", function()
    local net <close> = nodes.net()
    local list = schemes.cluster(net, "read-repair", 3)
    local a, scheme = list[1].node, list[1].scheme
    nodes.stored(a:store("key", "old"))
    nodes.wait(function() return #schemes.holders(list, a, "key") == 3 end)
    assert(a:store("key", "new", { to = list[2].node.id })) -- the third has the old one
    nodes.drop_at(a, list[2].node, "key")
    local next_copy = nodes.events(a, "copied")
    assert.equal("new", schemes.content(scheme.get(a, "key")))
    next_copy()
    next_copy()
    local versions = {}
    for _, copy in ipairs(a:copies "key") do versions[copy.version or 0] = (versions[copy.version or 0] or 0) + 1 end
    assert.same({ 3 }, { select(2, next(versions)) })
  end)
end)

describe("quorums", function()
  it("write at more than half, and read nothing that fewer than R nodes have told of", function()
    local net <close> = nodes.net()
    local list = schemes.cluster(net, "quorum", 5)
    local a, scheme = list[1].node, list[1].scheme
    assert.is_true(#assert(a:store("key", "content")).copies >= 3)
    net:stop "e"
    net:stop "d"
    nodes.peers(a, 2)
    assert.equal("content", schemes.content(scheme.get(a, "key")))
    assert.is_true(#assert(a:store("key", "again")).copies >= 3)
    net:stop "c"
    nodes.peers(a, 1)
    local object, err = scheme.get(a, "key") -- 3 of 5 were to tell
    assert.is_nil(object)
    assert.equal("unreachable", err.code)
    assert.equal("not_enough_copies", select(2, a:store("key", "third")).code)
  end)
end)

describe("hot and cold", function()
  it("is moved to slow disks when nobody has read it for a day, and back when it is read", virtual(function(net, host)
    local clock = setmetatable({ time = function() return net:machine("a"):microseconds() // 1000000 end }, { __index = os })
    local scheme = schemes.load("hot-and-cold", { os = clock })
    local fast, slow = { policy = scheme.policy, about = { tags = { "ssd" } } }, { policy = scheme.policy }
    local a, b, c, d = net:cluster(4, nil, { a = fast, b = fast, c = fast, d = slow })
    local function has(node)
      for _, copy in ipairs(a:copies "key") do
        if copy.node == node.id and copy.version == a:stat("key").version then return true end
      end
      return false
    end
    a:spawn(function()
      scheme.start(a)
      host.sleep(1e6)
    end)
    assert(a:store("key", "content"))
    assert.same({ 0, true, true, false }, { a:stat("key").class, has(b), has(c), has(d) })
    host.sleep(2 * 86400)
    assert.same({ 200, false, false, true }, { a:stat("key").class, has(b), has(c), has(d) })
    assert.equal("content", schemes.content(scheme.get(a, "key")))
    host.sleep(60)
    assert.same({ 0, true, true, false }, { a:stat("key").class, has(b), has(c), has(d) })
  end))
end)

---An owner, three keepers and a cache that was given the keys to read, by the scheme's tag; the cache's face of what anna stores.
local function with_cache(name, tag, globals, fn, given)
  local net <close> = nodes.net()
  local scheme = schemes.load(name, globals)
  local at_cache = schemes.load(name, globals)
  local owner, keeper, _, cache = nodes.cluster(net, 4, nil, {
    a = { policy = scheme.policy }, b = { policy = scheme.policy }, c = { policy = scheme.policy },
    d = { policy = at_cache.policy, about = { tags = { tag } } },
  })
  nodes.peers(cache, 3)
  local face = setmetatable(given or {}, { __index = function(_, name_of)
    local value = cache[name_of]
    return type(value) ~= "function" and value or function(_, ...) return value(cache, ...) end
  end })
  cache:spawn(function()
    at_cache.start(face)
    filo.channel():receive()
  end)
  filo.sleep(0)
  local anna = assert(cache:accept(assert(owner:share()), "anna"))
  return fn(net, owner, keeper, cache, anna, at_cache)
end

describe("a cache with a time to live", function()
  it("keeps nothing for others, serves what it has for an hour, and asks for news after that", function()
    local now = 1000
    local clocked = setmetatable({ now = function() return now end }, { __index = filo })
    local globals = { require = function(name) return name == "filo" and clocked or require(name) end }
    with_cache("ttl-cache", "cache", globals, function(_, owner, keeper, cache, anna, scheme)
      assert(owner:store("key", "first"))
      assert.is_false(nodes.exists(nodes.place(owner, cache, "key")))
      local refused = select(2, owner:replicate("key", { to = cache.id }))
      assert.matches("this node is a cache", refused.receipt.refused[1].reason)
      assert.equal("first", schemes.content(scheme.get(anna, "key")))
      nodes.wait(function() return nodes.exists(nodes.place(owner, cache, "key")) end)
      assert(owner:store("key", "second"))
      assert.equal("first", schemes.content(scheme.get(anna, "key")))
      now = now + 3600
      nodes.peer(cache, keeper.id)
      assert.equal("second", schemes.content(scheme.get(anna, "key")))
    end)
  end)
end)

describe("a read-through edge cache", function()
  it("keeps what is read through it, and lets go of what was read longest ago when that is too much", function()
    local ticks
    local room = { total = 1 << 40 }
    local timed = setmetatable({ every = function(_, fn) ticks = fn end }, { __index = filo })
    local globals = { require = function(name) return name == "filo" and timed or require(name) end }
    with_cache("edge-cache", "edge", globals, function(_, owner, _, cache, anna, scheme)
      nodes.wait(function() return ticks end)
      local function is_here(key) return nodes.exists(nodes.place(owner, cache, key)) end
      for _, key in ipairs { "one", "two" } do
        assert(owner:store(key, nodes.bytes(300000)))
        assert.is_false(is_here(key))
        assert.equal(300000, #schemes.content(scheme.get(anna, key)))
        nodes.wait(function() return is_here(key) end)
      end
      assert.equal("here", assert(scheme.get(anna, "one")).from)
      ticks()
      assert.is_true(is_here "one" and is_here "two")
      room.total = 400000 * 1000
      ticks()
      assert.is_true(is_here "one")
      assert.is_false(is_here "two")
      assert.equal(300000, #schemes.content(scheme.get(anna, "two")))
    end, { space = function() return room end })
  end)
end)

describe("erasure", function()
  it("gives the content back when any one of the three members is lost, and makes what it had again", function()
    local net <close> = nodes.net()
    local ticks = {}
    local timed = setmetatable({ every = function(_, fn, node) ticks[node] = fn end }, { __index = filo })
    local globals = { require = function(name) return name == "filo" and timed or require(name) end }
    local list = schemes.cluster(net, "erasure", 5, nil, nil, globals)
    local a, scheme, content = list[1].node, list[1].scheme, nodes.bytes(100001)
    assert(scheme.put(a, "key", content))
    local places = {}
    for i = 1, 3 do
      local holders = schemes.holders(list, a, "key/a." .. i)
      assert.equal(1, #holders, "one of part " .. i)
      places[i] = holders[1]
    end
    assert.is_true(places[1] ~= places[2] and places[2] ~= places[3] and places[1] ~= places[3])
    for i = 1, 3 do
      local place = nodes.place(a, list[places[i]].node, "key/a." .. i)
      assert(os.rename(place, place .. ".away"))
      assert.equal(content, scheme.get(a, "key"))
      assert(os.rename(place .. ".away", place))
    end
    nodes.drop_at(a, list[places[2]].node, "key/a.2")
    ticks[a](a)
    local again = schemes.holders(list, a, "key/a.2")
    assert.equal(1, #again)
    assert.is_true(again[1] ~= places[1] and again[1] ~= places[3])
    nodes.drop_at(a, list[places[1]].node, "key/a.1")
    assert.equal(content, scheme.get(a, "key"))
    for i = 2, 3 do nodes.drop_at(a, list[i == 2 and again[1] or places[i]].node, "key/a." .. i) end
    assert.equal("unreachable", select(2, scheme.get(a, "key")).code)
  end)

  it("leaves what was stored before as it is until all of the new is there", function()
    local net <close> = nodes.net()
    local list = schemes.cluster(net, "erasure", 4)
    local a, scheme = list[1].node, list[1].scheme
    assert(scheme.put(a, "key", "first"))
    assert(scheme.put(a, "key", "second"))
    assert.equal("second", scheme.get(a, "key"))
    net:stop "d"
    nodes.peers(a, 2)
    assert.is_nil((scheme.put(a, "key", "third")))
    assert.equal("second", scheme.get(a, "key"))
    assert(scheme.delete(a, "key"))
    assert.equal("not_found", select(2, scheme.get(a, "key")).code)
  end)
end)

describe("a versioned backup", function()
  it("keeps the last version of each day of a week and each month of a year", function()
    local now = os.time { year = 2027, month = 1, day = 30, hour = 12 }
    local clock = setmetatable({ time = function() return now end }, { __index = os })
    local net <close> = nodes.net()
    local scheme = schemes.load("versioned-backup", { os = clock })
    local a = net:cluster(3, { policy = scheme.policy })
    local stat = a.stat
    local stored = {}
    local dated = setmetatable({ -- the node's own clock is the real one
      stat = function(_, key)
        local item, err = stat(a, key)
        if item then item.modified = stored[key] end
        return item, err
      end,
    }, { __index = function(_, name) return function(_, ...) return a[name](a, ...) end end })
    local function put(content)
      local receipt = assert(scheme.put(dated, "key", content))
      stored.key = now
      return receipt
    end
    put "Saturday"
    put "Saturday evening"
    now = now + 86400
    put "Sunday"
    now = now + 86400
    assert.equal(3, #put("Monday").copies)
    local has = {}
    for item in a:keys() do has[item.key] = nodes.content(a, item.key) end
    assert.same({ key = "Monday", ["key@Sat"] = "Saturday evening", ["key@Sun"] = "Sunday", ["key@Jan"] = "Sunday" }, has)
    assert(scheme.delete(a, "key"))
    assert.is_nil(a:keys()())
  end)
end)

describe("a mirrored folder", function()
  it("is stored at all members, and deleted there, but not when much is gone at once", function()
    local net <close> = nodes.net()
    local tick
    local timed = setmetatable({ every = function(_, fn) tick = fn end }, { __index = filo })
    local globals = { require = function(name) return name == "filo" and timed or require(name) end }
    assert(os.execute("mkdir -p " .. temp.quote(net.folder:file "files/sub")))
    local scheme, prints = schemes.load("mirror", globals, { ["/srv/mirrored"] = net.folder:file "files" })
    local a, b = net:cluster(2, { policy = scheme.policy })
    scheme.start(a)
    for i = 1, 8 do net.folder:write(("files/sub/%d"):format(i), "content " .. i) end
    tick(a)
    assert.is_true(nodes.exists(nodes.place(a, b, "sub/8")))
    net.folder:write("files/sub/1", "other content")
    assert(os.remove(net.folder:file "files/sub/2"))
    tick(a)
    assert.equal("other content", nodes.content(a, "sub/1"))
    nodes.check_deleted(a, "sub/2")
    local version = a:stat("sub/3").version
    for i = 4, 8 do assert(os.remove(net.folder:file("files/sub/" .. i))) end
    tick(a)
    assert.same({ "5 of 7 files are gone, and not deleted: is a disk missing?" }, prints)
    assert.equal("content 8", nodes.content(a, "sub/8"))
    assert.equal(version, a:stat("sub/3").version)
  end)
end)
