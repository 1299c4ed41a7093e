---Compare and set: what is stored, changed or deleted only if a certain version is there.

local errors = require "filo.base.errors"
local filo = require "filo"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"
local simulated = require "spec.support.simulated"

---Why it was not done, and which version is there.
local function refusal(value, err)
  local sentence = refused("exists", value, err)
  return { sentence, err.version or "none" }
end

local THERE, CHANGED, GONE = "'key' is there already", "'key' has changed", "'key' is gone"

local function never_read() error "the content was read" end

describe("what is stored where nothing is expected", function()
  it("is stored if there is nothing, or it was deleted", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local first = assert(a:store("key", "one", { expected = false })).version
    assert.same({ THERE, first }, refusal(a:store("key", never_read, { expected = false })))
    assert.equal("one", nodes.content(a, "key"))
    assert(a:delete "key")
    local second = assert(a:store("key", "two", { expected = false })).version
    assert.is_true(second > first)
    assert.equal("two", nodes.content(a, "key"))
    assert(a:store(nil, "content", { expected = false }))
    assert.matches("is there already", refused("exists", a:store(nil, "content", { expected = false })))
  end)

  it("is stored once by many at once", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for round = 1, 5 do
      local key, won, there = "key " .. round, {}, {}
      local reading, all = 0, filo.condition()
      local tasks = {}
      for i = 1, 8 do
        tasks[i] = filo.spawn(function()
          local pieces = { tostring(i) }
          local receipt, err = a:store(key, function()
            reading = reading + 1
            all:notify()
            all:wait_for(function() return reading >= 8 end)
            return table.remove(pieces)
          end, { expected = false })
          if receipt then won[#won + 1] = { i, receipt.version } else there[#there + 1] = err end
        end)
      end
      for _, task in ipairs(tasks) do task:join() end
      assert.same({ 1, 7 }, { #won, #there })
      assert.equal(tostring(won[1][1]), nodes.content(a, key))
      for _, err in ipairs(there) do assert.same({ "exists", won[1][2] }, { err.code, err.version }) end
    end
  end)

  it("is stored once on simulated machines, too", simulated(function(net, host)
    local a = net:cluster(3)
    local won, tasks = 0, {}
    for i = 1, 5 do
      tasks[i] = host.spawn_child(function()
        if a:store("key", tostring(i), { expected = false }) then won = won + 1 end
      end)
    end
    for _, task in ipairs(tasks) do task:join() end
    assert.equal(1, won)
  end))
end)

describe("what is stored in the place of a certain version", function()
  it("is stored if that is the newest", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local first = assert(a:store("key", "one")).version
    local second = assert(a:store("key", "two", { expected = first })).version
    assert.is_true(second > first)
    assert.same({ CHANGED, second }, refusal(a:store("key", never_read, { expected = first })))
    assert.equal("two", nodes.content(a, "key"))
    assert(a:delete "key")
    assert.same({ GONE, "none" }, refusal(a:store("key", never_read, { expected = second })))
    assert.same({ "'never' is gone", "none" }, refusal(a:store("never", "x", { expected = second })))
    assert.same({ false, false }, { a:has "key", a:has "never" })
  end)

  it("is asked for again when it is published", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local first = assert(a:store("key", "one")).version
    local second
    assert.is_nil(a:store("key", "three", { expected = first, describe = function()
      second = assert(a:store("key", "two")).version
      return {}
    end }))
    assert.equal("two", nodes.content(a, "key"))
    assert.same({ GONE, "none" }, refusal(a:store("key", "three", { expected = second, describe = function()
      assert(a:delete "key")
      return {}
    end })))
    local there
    assert.same({ THERE, "some" }, { refusal(a:store("key", "five", { expected = false, describe = function()
      there = assert(a:store("key", "four")).version
      return {}
    end }))[1], there and "some" })
    assert.equal("four", nodes.content(a, "key"))
  end)

  it("is one of many that are written at once", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local version, lost, tasks = assert(a:store("key", "0")).version, 0, {}
    for i = 1, 8 do
      tasks[i] = filo.spawn(function()
        for _ = 1, 5 do
          local done
          repeat -- a counter, of which no step is lost
            local object <close> = assert(a:get "key")
            local count = tonumber(object:read "a")
            done = i % 2 == 0 and a:store("key", tostring(count + 1), { expected = object.version })
              or i % 2 == 1 and a:store("key", tostring(count + 1), { expected = object.version, fields = { i = i } })
            if not done then lost = lost + 1 end
          until done
        end
      end)
    end
    for _, task in ipairs(tasks) do task:join() end
    assert.equal("40", nodes.content(a, "key"))
    assert.is_true(lost > 0 and a:stat("key").version > version)
  end)
end)

describe("a version that is expected", function()
  it("is the one that is deleted, or changed", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local first = assert(a:store("key", "one")).version
    local second = assert(a:amend("key", { fields = { n = 1 }, expected = first })).version
    assert.same({ CHANGED, second }, refusal(a:amend("key", { fields = { n = 2 }, expected = first })))
    assert.same({ CHANGED, second }, refusal(a:delete("key", { expected = first })))
    assert.same({ n = 1 }, a:stat("key").fields)
    assert(a:delete("key", { expected = second }))
    assert.same({ GONE, "none" }, refusal(a:delete("key", { expected = second })))
    assert.same({ GONE, "none" }, refusal(a:amend("key", { fields = {}, expected = second })))
    assert.same({ "'never' is gone", "none" }, refusal(a:delete("never", { expected = second })))
    assert.equal("not_found", select(2, a:delete "key").code)
  end)

  it("is deleted by one of many, or something is stored in its place", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for round = 1, 10 do
      local version = assert(a:store("key", "one")).version
      local done, tasks = {}, {}
      for i = 1, 6 do
        tasks[i] = filo.spawn(function()
          local receipt = i % 3 == 0 and a:delete("key", { expected = version })
            or i % 3 == 1 and a:store("key", "two", { expected = version })
            or i % 3 == 2 and a:amend("key", { class = round, expected = version })
          if receipt then done[#done + 1] = i % 3 end
        end)
      end
      for _, task in ipairs(tasks) do task:join() end
      assert.equal(1, #done)
      assert.equal(done[1] ~= 0, a:has "key")
    end
  end)

  it("counts where it lies at peers only", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local version = assert(a:store("key", "one", { to = b.id })).version
    assert(a:evict "key")
    assert.same({ THERE, version }, refusal(a:store("key", "x", { expected = false })))
    assert.same({ CHANGED, version }, refusal(a:delete("key", { expected = version - 1 })))
    net:stop "b"
    nodes.wait(function() return #a:peers() == 0 end, "end of the connection")
    assert.same({ THERE, version }, refusal(a:store("key", never_read, { expected = false })))
    local second = nodes.stored(a:store("key", "two", { expected = version })).version
    assert.is_true(second > version)
  end)

  it("is not known from a root that has lost it, unless a peer that is connected tells", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local version = assert(a:store("key", "one", { to = b.id })).version
    net:stop "a"
    assert(filo.run { "rm", "-r", a.root .. "/objects", a.root .. "/catalogue" })
    a = net:restart "a"
    nodes.peers(a, 1)
    assert.same({ THERE, version }, refusal(a:store("key", "x", { expected = false })))
    local parts = inside.of(a)
    local _ <close> = setmetatable({}, { __close = function() parts.find.at, parts.expecting.has_read = nil, nil end })
    parts.find.at = function() return errors.fail("timeout", "a peer that does not answer") end
    parts.expecting.has_read = function() return false end
    for _, expected in ipairs { false, version } do
      assert.matches("peers that are connected did not tell in time whether they have it",
        refused("unreachable", a:store("other", "x", { expected = expected })))
    end
    assert.matches("did not tell in time", refused("unreachable", a:delete("other", { expected = version })))
    parts.expecting.has_read = function() return true end -- what it listed is known
    assert(a:store("other", "x", { expected = false }))
    net:stop "b"
  end)

  it("is not an old one that lies here after a backup was restored, once peers have listed what they have", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    local first = assert(a:store("key", "one")).version
    net:stop "a"
    assert(filo.run { "cp", "-a", a.root, a.root .. "-backup" })
    a = net:restart "a"
    nodes.peers(a, 1)
    local second = assert(a:store("key", "two")).version
    net:stop "a"
    assert(filo.run { "rm", "-r", a.root })
    assert(filo.run { "mv", a.root .. "-backup", a.root })
    a = net:restart "a"
    nodes.peers(a, 1)
    nodes.wait(function() return a:keys "key"().version == second end, "list")
    assert.same({ CHANGED, second }, refusal(a:store("key", never_read, { expected = first })))
    assert.same({ CHANGED, second }, refusal(a:amend("key", { class = 1, expected = first })))
    assert.same({ CHANGED, second }, refusal(a:delete("key", { expected = first })))
    assert.matches("has a newer version at a peer", refused("exists", a:amend("key", { class = 1, expected = second })))
    assert.is_true(assert(a:store("key", "three", { expected = second })).version > second)
  end)

  it("is for the owner of a namespace to decide, whoever else may write it", function()
    local net <close> = nodes.net()
    local a, b, c = net:cluster(3)
    nodes.peers(b, 1)
    assert(b:connect(c.address))
    local family = assert(b:accept(a:share(nil, { write = true }), "family"))
    nodes.wait(function() return inside.of(a).peer_list:get(b.id).namespaces[inside.of(a).namespace] end, "claim")
    local first = assert(a:store("key", "one", { expected = false })).version
    local what = ("only the owner of the namespace %s decides"):format(a:namespace().id:sub(1, 16))
    assert.matches(what, refused("unsupported", family:store("new", never_read, { expected = false })))
    assert.matches(what, refused("unsupported", family:store(nil, never_read, { expected = false })))
    assert.matches(what, refused("unsupported", family:store("key", never_read, { expected = first })))
    assert.matches(what, refused("unsupported", family:amend("key", { class = 1, expected = first })))
    assert.matches(what, refused("unsupported", family:delete("key", { expected = first })))
    local second = assert(family:store("key", "two", { to = c.id })).version
    assert.same({ CHANGED, second }, refusal(a:store("key", "three", { expected = first })))
    assert.same({ CHANGED, second }, refusal(a:delete("key", { expected = first })))
    local third = assert(a:store("key", "three", { expected = second })).version
    assert.is_true(third > second)
    assert(b:store("mine", "x", { expected = false }))
    assert.matches("is there already", refused("exists", b:namespace("own"):store("mine", "x", { expected = false })))
  end)

  it("is a version, or false where something is stored", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    for _, wrong in ipairs { true, "1", 1.5, {} } do
      raises("expected_spec.lua:%d+: store: option 'expected' must be ", function() a:store("key", "x", { expected = wrong }) end)
      raises("expected_spec.lua:%d+: delete: option 'expected' must be ", function() a:delete("key", { expected = wrong }) end)
    end
    raises("delete: option 'expected' must be an integer", function() a:delete("key", { expected = false }) end)
    raises("amend: option 'expected' must be an integer", function() a:amend("key", { class = 1, expected = false }) end)
    raises("expected_spec.lua:%d+: amend: say what changes", function() a:amend("key", { expected = 1 }) end)
    raises("delete: a table of options expected", function() a:delete("key", 5) end)
  end)
end)
