local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local filo = require "filo"
local forge = require "spec.support.forge"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local simulated = require "spec.support.simulated"
local strangers = require "spec.support.stranger"

local NOWHERE = { policy = filo.policy.copies(1) }

---What a node lists, with a star before what is not here.
local function keys_of(node, prefix)
  local words = {}
  for item in node:keys(prefix) do words[#words + 1] = (item.here and "" or "*") .. item.key end
  return table.concat(words, " ")
end

---Waits until it lists that.
local function expect(node, words)
  nodes.wait(function() return keys_of(node) == words end, words .. " but " .. keys_of(node))
end

---A node anew, from its identity only.
local function lose(net, name)
  local root = net.options[name].root
  net:stop(name)
  local file <close> = assert(io.open(root .. "/identity"))
  local identity = file:read "a"
  assert(os.execute(("rm -rf '%s' && mkdir '%s'"):format(root, root)))
  assert(crypto.write_private(root .. "/identity", identity))
  net.options[name].create = true
  return net:restart(name)
end

-- A new root listed what had come back so far, and nothing at first.

describe("a node lists what lies at peers only", function()
  it("once it was lost and is back, though nothing was fetched", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 150 do assert(a:store(("%03d"):format(i), "content " .. i)) end
    assert(a:delete "150")
    a = lose(net, "a")
    nodes.peer(a, b.id)
    assert.same({ 1, true }, { inside.of(a).follow:wait_read(10) })
    local count = 0
    for item in a:keys() do
      assert.same({ false, 9 + #tostring(tonumber(item.key)) - 1 }, { item.here, item.size })
      count = count + 1
    end
    assert.equal(149, count)
    assert.equal("content 7", nodes.content(a, "007"))
    nodes.kept(a, "007")
    expect(a, keys_of(a):gsub("*007", "007"))
    for item in a:list "008" do
      assert.same({ "008", "listed", false }, { item.key, item.from, item.here })
    end
  end)

  it("on another machine that writes the same", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, key in ipairs { "x", "y" } do assert(a:store(key, "content")) end
    local line = a:share(nil, { write = true })
    do
      local b <close> = net:start "b"
      assert(b:accept(line, "main"))
    end
    local b = net:restart("b", { bootstrap = { a.address } })
    expect(b, "*x *y")
    assert.same({ "peers", 7 }, { b:stat("x").from, b:stat("x").size })
    assert(a:store("z", "content", { to = {} }))
    inside.of(b).follow:visit_all()
    expect(b, "*x *y *z")
    assert(b:fetch "y")
    expect(b, "*x y *z")
    assert(b:store("x", "of b"))
    expect(b, "x y *z")
  end)

  it("of a namespace that it was let read, and what it holds of that by name", function()
    local net <close> = nodes.net()
    local a = net:start("a", NOWHERE)
    local b = net:start("b", { bootstrap = { a.address } })
    nodes.peer(b, a.id)
    nodes.peer(a, b.id)
    for i = 1, 200 do assert(a:store(("there %03d"):format(i), "content")) end
    for i = 1, 200 do assert(a:store(("held %03d"):format(i), "content", { to = b.id })) end
    assert.equal("", keys_of(b))
    local anna = assert(b:accept(a:share(), "anna"))
    local function check(space)
      nodes.wait(function()
        local held, there = 0, 0
        for item in space:keys "held" do held = held + (item.here and 1 or 0) end
        for item in space:keys "there" do there = there + (item.here and 0 or 1) end
        return held == 200 and there >= 199 -- one of which is fetched later
      end, "names")
    end
    check(anna)
    assert.equal("", keys_of(b))
    assert.equal("content", nodes.content(anna, "there 007"))
    assert.equal("content", nodes.content(anna, "held 007"))
    b = net:restart("b", { bootstrap = {} })
    net:stop "a"
    check(b:namespace "anna")
  end)

  -- One that was busy, as while it makes its catalogue, for longer than a question is repeated, was asked again after a minute.
  it("of a peer that was busy for some seconds", simulated(function(net, host)
    local a, b = net:cluster(2)
    local list, asked = inside.of(b).peer_list.requests.handlers.list, 0
    inside.of(b).peer_list:handle("list", function(...)
      asked = asked + 1
      if asked <= 2 * host.limits.busy_tries then return errors.fail("busy", "the catalogue is being made") end
      return list(...)
    end)
    inside.of(a).follow:visit_all()
    host.sleep(host.limits.follow / 2)
    assert.is_true(asked > 2 * host.limits.busy_tries)
  end))

  it("of single objects that it was let read, those that are here", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for _, key in ipairs { "x", "y", "z" } do assert(a:store(key, "content")) end
    local anna = assert(b:accept(a:share "x", "anna"))
    expect(anna, "x")
    assert(b:accept(a:share "z", "anna"))
    expect(assert(b:namespace "anna"), "x z")
    b = net:restart "b"
    expect(b:namespace "anna", "x z")
  end)

  it("after its copy was evicted, and knows that it is there while no peer is", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    inside.of(a).catalogue:wait()
    assert(a:store("key", "content"))
    assert(a:evict "key")
    assert.equal("*key", keys_of(a))
    assert.equal("peers", a:stat("key").from)
    net:stop "b"
    nodes.peers(a, 0)
    assert.same({ "listed", 7, true }, { a:stat("key").from, a:stat("key").size, a:stat("key").encrypted })
    assert.is_false(a:has "key")
    assert.is_nil(a:get "key")
    a = net:restart "a"
    assert.equal("*key", keys_of(a))
    local again = net:restart "b"
    nodes.wait(function() return #a:peers() == 1 or a:connect(again.address) end, "b")
    assert.equal("content", nodes.content(a, "key"))
    nodes.kept(a, "key")
    expect(a, "key")
  end)

  it("and deletes it, wherever it lies, if anywhere", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    inside.of(a).catalogue:wait()
    for _, key in ipairs { "there", "nowhere" } do
      assert(a:store(key, "content"))
      assert(a:evict(key))
    end
    assert(a:delete "there")
    assert.equal("*nowhere", keys_of(a))
    nodes.check_deleted(a, "there")
    net:stop "b"
    nodes.peers(a, 0)
    assert(a:delete "nowhere")
    assert.equal("", keys_of(a))
    nodes.check_deleted(a, "nowhere")
  end)

  it("in the newest version that a peer has", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "old"))
    assert(os.execute(("cp -a '%s' '%s.kept'"):format(a.root, a.root)))
    local version = assert(a:store("key", "newer content")).version
    net:stop "a"
    assert(os.execute(("rm -rf '%s' && mv '%s.kept' '%s'"):format(a.root, a.root, a.root)))
    a = net:restart "a"
    nodes.peer(a, b.id)
    expect(a, "*key")
    local item = a:keys()()
    assert.same({ version, 13, false }, { item.version, item.size, item.here })
    assert.equal("newer content", (assert(a:get("key", { newest = true })):read "a"))
    nodes.kept(a, "key")
    expect(a, "key")
  end)
end)

describe("a node that was away", function()
  it("is told of a deletion by a keeper, who alone knows of it", function()
    local net <close> = nodes.net()
    local keeper = net:start "k"
    local a = net:start("a", { bootstrap = { keeper.address } })
    nodes.peer(a, keeper.id)
    for _, key in ipairs { "gone", "kept" } do assert(a:store(key, "content")) end
    local b = net:start "b"
    assert(b:accept(a:share(nil, { write = true }), "main"))
    b = net:restart("b", { bootstrap = { keeper.address } })
    nodes.peer(b, keeper.id)
    for _, key in ipairs { "gone", "kept" } do assert(b:fetch(key)) end
    net:stop "b"
    assert(a:delete "gone")
    net:stop "a"
    b = net:restart "b"
    nodes.peer(b, keeper.id)
    expect(b, "kept")
    net:stop "k"
    nodes.check_deleted(b, "gone")
  end)

  it("keeps what it has stored meanwhile, and who deleted did not know of", function()
    local net <close> = nodes.net()
    local keeper = net:start "k"
    local a = net:start("a", { bootstrap = { keeper.address } })
    nodes.peer(a, keeper.id)
    assert(a:store("key", "content"))
    local b = net:start "b"
    assert(b:accept(a:share(nil, { write = true }), "main"))
    b = net:restart("b", { bootstrap = { keeper.address } })
    nodes.peer(b, keeper.id)
    assert(b:fetch "key")
    b = net:apart "b"
    local stored = assert(b:store("key", "what b has written")).version
    nodes.wait(function() return inside.of(a).host.time() // 1024 > stored // 1024 end, "a version that is later")
    assert(a:delete "key")
    net:stop "a"
    assert(b:connect(keeper.address))
    local key
    nodes.wait(function()
      key = keys_of(b)
      return key:match "^key %(conflict [^)]+%)$"
    end, "conflict copy")
    assert.equal("what b has written", nodes.content(b, key))
    assert.same({ "key", true }, { b:keys()().conflict, b:list()().conflict == "key" })
  end)

  -- The whole list of the holder was passed over, and what others had stored there was not seen.
  it("reads on after a deletion that makes no sense, which takes nothing away and is told once", function()
    local net <close> = nodes.net()
    local keeper = net:start "k"
    local a = net:start("a", { bootstrap = { keeper.address } })
    nodes.peer(a, keeper.id)
    local bad = {}
    for _, key in ipairs { "one", "two" } do
      local version = assert(a:store(key, "content")).version
      local hash = a:key_hash(key)
      bad[a:path_of(hash)] = forge(inside.of(a).keys, { flags = 1, key_hash = hash, version = version + 1024 }).record
    end
    local b = net:start "b"
    assert(b:accept(a:share(nil, { write = true }), "main"))
    net:stop "a"
    for path, record in pairs(bad) do assert(inside.of(keeper).disk:keep(path, record, "")) end
    b = net:restart("b", { bootstrap = { keeper.address } })
    nodes.peer(b, keeper.id)
    nodes.stored(b:store("later", "content"))
    a = net:restart "a"
    nodes.peer(a, keeper.id)
    expect(a, "*later one two")
    for _ = 1, 2 do
      inside.of(a).follow:visit_all()
      assert.same({ 1, true }, { inside.of(a).follow:wait_read(10) })
    end
    assert.equal("content", nodes.content(a, "one"))
    local told = 0
    for _, line in ipairs(net.lines) do told = told + (line:find "a warning: .* lists a deletion that makes no sense" and 1 or 0) end
    assert.equal(1, told)
  end)

  it("asks every now and then what is new", simulated(function(net, host)
    local a, b, c = net:cluster(3, NOWHERE)
    assert(a:store("first", "content", { to = b.id }))
    assert.equal(2, #c:peers() + #b:peers())
    local asked = 0
    local list = inside.of(b).peer_list.requests.handlers.list
    inside.of(b).peer_list:handle("list", function(...)
      asked = asked + 1
      return list(...)
    end)
    host.sleep(2 * net.world.limits.follow + 1)
    assert.is_true(asked >= 2 and asked <= 6, asked)
  end))
end)

describe("what a peer lists", function()
  ---A node, a stranger that answers `list` so, and how often it was asked.
  local function liar(net, answer, expected)
    local a = net:start "a"
    local stranger <close> = strangers.call(a)
    local asked = 0
    stranger:on("list", function(body)
      asked = asked + 1
      local reply, err = answer(body, asked, inside.of(a).keys)
      return reply and { body = reply } or { error = err }
    end)
    stranger:greet()
    net:expect(expected)
    assert.same({ 0, true }, { inside.of(a).follow:wait_read(10) })
    local before = asked
    inside.of(a).follow:visit_all()
    assert.same({ 0, true }, { inside.of(a).follow:wait_read(10) })
    assert.same({ before, "" }, { asked, keys_of(a) })
    net:stop "a"
    net.lines = {}
  end

  local LIFE = ("l"):rep(16)

  it("is passed over when it lies, which is told once", function()
    local net <close> = nodes.net()
    local count = 0
    local function page(fn)
      return function(body, asked, keys)
        count = count + 1
        return { records = fn(keys, asked), after = body.after + 1, life = LIFE }
      end
    end
    local same
    liar(net, page(function(keys)
      same = same or forge(keys, {}).record
      return { same }
    end), "lists the same again and again")
    same = nil
    liar(net, page(function(keys)
      same = same or forge(keys, {}).record
      return { same, same }
    end), "lists the same again and again")
    local two = {}
    liar(net, page(function(keys, asked) -- two pages in turns
      local i = asked % 2 + 1
      two[i] = two[i] or forge(keys, { key_hash = (i == 1 and "a" or "b"):rep(32) }).record
      return { two[i] }
    end), "lists the same again and again")
    local unsigned = { version = 6, signature = ("x"):rep(64) }
    liar(net, page(function(keys) return { forge(keys, unsigned).record } end), "passed over until it comes again: .*signature")
    liar(net, page(function() return { forge(assert(crypto.identity_generate()):namespace(), {}).record } end), "of another namespace")
    liar(net, page(function() return { ("x"):rep(300) } end), "listed a bad record")
    liar(net, page(function() return {} end), "lists nothing, again and again")
    liar(net, function(body, asked, keys)
      return { records = { forge(keys, { version = asked }).record }, after = body.after, life = LIFE }
    end, "lists the same again and again")
    liar(net, function() return { records = {}, after = -1, life = LIFE } end, "bad or missing field 'after'")
    assert.is_true(count > 0)
  end)
end)

describe("a node that is killed while it reads a list", function()
  it("goes on from where it was, and misses nothing", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    for i = 1, 300 do assert(a:store(("%03d"):format(i), "content")) end
    local root = a.root
    lose(net, "a")
    net:stop "a"
    local script = net.folder:write("killed.lua", [[
      local filo, inside = require "filo", require "filo.base.inside"
      local node = assert(filo.node { root = arg[1], cluster = arg[3], bootstrap = { arg[2] }, reserve = 0, log = function() end })
      local inventory, pages = inside.of(node).inventory, 0
      local page = inventory.page
      function inventory:page(...)
        pages = pages + 1
        if pages == 4 then print "three pages" io.stdout:flush() filo.sleep(3600) end
        return page(self, ...)
      end
      node:wait()
    ]])
    local child <close> = process.start { script, root, b.address, nodes.SECRET }
    child:expect "three pages"
    child:kill "KILL"
    child:wait()
    local is_alone = true -- b is a member that it knows, and dials
    local function admit()
      if is_alone then return false, "not yet" end
    end
    local alone = net:start("a", { root = root, bootstrap = {}, admit = admit })
    local count = 0
    for item in alone:keys() do count = count + (item.here and 1000 or 1) end
    assert.equal(192, count)
    is_alone = false
    local asked, first = 0, nil
    local list = inside.of(b).peer_list.requests.handlers.list
    inside.of(b).peer_list:handle("list", function(body, ...)
      asked, first = asked + 1, first or body.after
      return list(body, ...)
    end)
    assert(alone:connect(b.address))
    nodes.wait(function()
      count = 0
      for _ in alone:keys() do count = count + 1 end
      return count == 300
    end, "all keys")
    assert.is_true(first > 0 and asked <= 4, asked)
  end)

  it("begins anew when the holder's catalogue turns into another one between two pages", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.call(a)
    local forged = forge(inside.of(a).keys, {}).record
    stranger:on("list", function(body)
      local first = body.after == 0 and not body.life
      local life = first and ("1"):rep(16) or ("2"):rep(16)
      if body.life == life then return { body = { records = {}, after = body.after, life = life } } end
      return { body = { records = { forged }, after = first and 5 or 3, life = life } }
    end)
    stranger:greet()
    nodes.wait(function() return inside.of(a).follow:wait_read(10) == 1 end, "list")
    assert.is_nil(net:logged "passed over")
  end)

  it("begins anew when the holder's catalogue is another one", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2, { durability = "group" })
    assert(a:store("one", "content"))
    assert(a:evict "one")
    inside.of(a).follow:wait_read(10)
    net:stop "b"
    assert(os.remove(b.root .. "/catalogue"))
    b = net:restart "b"
    inside.of(b).catalogue:wait()
    nodes.wait(function() return #a:peers() == 1 or a:connect(b.address) end, "b")
    inside.of(a).follow:visit_all()
    assert.same({ 1, true }, { inside.of(a).follow:wait_read(10) })
    local place = inside.of(a).catalogue:noted(crypto.unhex(b.id))
    local _, _, life = inside.of(b).catalogue:feed(inside.of(a).namespace, nil, 0, 1, 1 << 20)
    assert.same({ life, "*one" }, { place.life, keys_of(a) })
  end)

  it("waits no longer for a peer that cannot list", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local stranger <close> = strangers.meet(a)
    stranger:on("list", function() return { error = { code = "io", message = "its catalogue cannot be used" } } end)
    nodes.peers(a, 1)
    assert.same({ 0, true }, { inside.of(a).follow:wait_read(20) })
  end)

  it("goes on with other namespaces of a peer that lies of one", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local other = assert(crypto.identity_generate()):namespace()
    assert(a:accept(assert(other:grant("read", 0)), "other"))
    local stranger <close> = strangers.call(a)
    local own, forged = inside.of(a).namespace, forge(other, { key_hash = ("k"):rep(32) }).record
    stranger:on("list", function(body)
      local after = body.namespace == own and 0 or 1
      return { body = { records = after == body.after and {} or { forged, ("x"):rep(300) }, after = after, life = ("l"):rep(16) } }
    end)
    stranger:greet()
    nodes.peers(a, 1)
    assert.same({ 0, true }, { inside.of(a).follow:wait_read(20) })
    local state = inside.of(a).follow.followed[stranger.id]
    assert.same({ nil, true }, { state.over[own], state.over[other:raw_id()] })
  end)
end)
