---A scheme, what a node.lua returns, in the simulator: what it does beside its policy runs in each node, in virtual time.

local refused = require "spec.support.refused"
local sim = require "filo.sim"
local temp = require "spec.support.temp"

describe("a scheme", function()
  local folder

  setup(function() folder = temp.folder() end)
  teardown(function() folder:remove() end)

  local function load(text) return sim.load(folder:write("scheme.lua", text)) end

  local function run(text, settings)
    local given = { scheme = assert(load(text)), nodes = 3, hours = 1, faults = {}, seed = 1, keep = true }
    for name, value in pairs(settings or {}) do given[name] = value end
    return sim.run(given)
  end

  ---How many lines of the trace have a pattern.
  local function count(result, pattern)
    local found = 0
    for _, line in ipairs(result.lines) do
      if line.text:find(pattern) then found = found + 1 end
    end
    return found
  end

  local function check(result)
    assert.same({}, result.violations)
    assert.is_nil(result.problems.first)
    return result
  end

  it("does in each node what it does beside its policy, with hooks, requests, tasks, channels and the clock", function()
    local result = check(run [[
      local filo = require "filo"
      local seen = filo.channel(100)
      local function start(node)
        node:handle("greet", function(body, peer) return ("%s from %s"):format(body, peer.id == node.id and "me" or "you") end)
        node:on("stored", function(object) seen:send(object.key) end)
        node:spawn(function() while true do print("stored", seen:receive()) end end)
        node:ready(60, 2)
        local before = filo.now()
        filo.every(600, function() print("ticks at", os.date("%H:%M:%S", os.time() - 1800000000)) end)
        filo.sleep(300)
        print("slept", filo.now() - before, "at", os.date("!%Y-%m-%d"))
        for _, peer in ipairs(node:peers()) do print(node:request(peer, "greet", "hello")) end
        local slow, err = filo.timeout(5, filo.sleep, 10)
        print(slow, err.code, filo.race { function() filo.sleep(2) return "late" end, function() filo.sleep(1) return "first" end })
      end
      return { policy = filo.policy.copies(2), start = start, listen = ":7171", log_level = "info" }
    ]])
    assert.is_true(count(result, "prints: stored key%d+$") > 50)
    assert.equal(3, count(result, "prints: slept 300.0 at 2027%-01%-15$"))
    assert.equal(6, count(result, "prints: hello from you$"))
    assert.equal(3, count(result, "prints: nil timeout first$"))
    assert.is_true(count(result, "prints: ticks at 00:%d0:%d%d$") >= 15)
    assert.is_true(result.passed.repair > 0)
  end)

  it("gives one trace for one seed, chance and time included, whatever happens to its nodes", function()
    local text = [[
      local filo = require "filo"
      local function start(node)
        filo.every(300, function()
          print(math.random(1000), math.random(), filo.crypto.hex(filo.crypto.random(4)), os.time(), os.clock())
          for _, answer in pairs(node:broadcast("ask", { n = math.random(5) })) do print(answer.answer, tostring(answer.error)) end
        end)
        node:handle("ask", function(body) filo.sleep(math.random()) return body.n end)
      end
      return { policy = filo.policy.copies(2), start = start }
    ]]
    local settings = { hours = 2, nodes = 3, faults = { "kill", "power", "partition", "clock" }, rate = 3 }
    local first, second = check(run(text, settings)), check(run(text, settings))
    assert.equal(first.digest, second.digest)
    assert.is_true(count(first, "prints: %d+ 0%.%d+ %x+ %d+ ") > 100)
    settings.seed = 2
    assert.not_equal(first.digest, run(text, settings).digest)
  end)

  it("is a process of its own at each node: what it keeps in variables is its node's, and gone when that is started again", function()
    local result = check(run([[
      local count = 0
      return { start = function(node)
        count = count + 1
        print("count", count)
      end }
    ]], { faults = { "kill" }, rate = 10 }))
    local starts = count(result, "serves at")
    assert.is_true(starts > 3)
    assert.equal(starts, count(result, "prints: count 1$"))
  end)

  it("has what users do in its place, and is told who it is", function()
    local result = check(run [[
      local filo = require "filo"
      return {
        policy = filo.policy.tagged("keeper", filo.policy.everywhere),
        about = function(i) return { name = "m" .. i, tags = i > 1 and { "keeper" } or {} } end,
        put = function(node, key, content)
          print "puts"
          return node:store(key, content, { fields = { length = #content } })
        end,
        get = function(node, key, options)
          local object <close>, err = node:get(key, options)
          if not object then return nil, err end
          local content = object:read "a"
          return content and #content == object.fields.length and content
        end,
        delete = function(node, key) print "deletes" return node:delete(key) end,
      }
    ]])
    assert.equal(result.counts.put.done + result.counts.put.failed, count(result, "prints: puts$"))
    assert.is_true(count(result, "prints: deletes$") > 0 and result.counts.get.done > 0)
  end)

  it("has files of its own, in memory", function()
    local result = check(run([[
      local filo = require "filo"
      return { start = function(node)
        for _, path in ipairs { "/a/b/two", "/a/one", "/c" } do io.open(path, "w"):write("content of ", path):close() end
        for _, each in ipairs(filo.folder "/a") do print(each.kind, each.name, each.size) end
        print(io.open "/a/nothing")
        print(os.remove "/c", filo.look "/c", io.open("/a/one"):read "a", filo.look("/a/one").kind)
        assert(node:store("two", filo.file "/a/b/two"))
        print(node:get("two"):read "a")
      end }
    ]], { nodes = 1 }))
    for _, line in ipairs { "d b 0", "f one 17", "nil /a/nothing: No such file or directory 2", "content of /a/b/two" } do
      assert.equal(1, count(result, "prints: " .. line .. "$"), line)
    end
    assert.equal(1, count(result, "prints: true nil content of /a/one f$"))
  end)

  it("may store in parts, of which it says how many are enough: when that is not so it is found out", function()
    local file <close> = assert(io.open "scripts/schemes/erasure.lua")
    local text = file:read "a"
    local settings = { nodes = 4, hours = 0.5, faults = { "rot" }, rate = 300 }
    check(run(text, settings))
    local lying, replaced = text:gsub("needed = PARTS %- 1", "needed = 1")
    assert.equal(1, replaced)
    local result = run(lying, settings)
    assert.equal("readable", result.violations[1] and result.violations[1].check)
  end)

  it("may be the node.lua of a root, with files beside it", function()
    folder:write("beside.lua", [[
      local policy = require("filo").policy
      return { policy = policy.copies(2), start = function() print "began" end }
    ]])
    local result = check(run [[
      local beside = dofile(... .. "/beside.lua")
      return { listen = "0.0.0.0:7171", about = { zone = "home" }, policy = beside.policy, start = beside.start }
    ]])
    assert.equal(3, count(result, "prints: began$"))
  end)

  it("is told what is wrong with it, where it stands", function()
    for text, expected in pairs {
      ["return { start = 1 }"] = "scheme.lua: option 'start' must be a function, not a number",
      ["return { policy = {} }"] = "scheme.lua: policy: it has no name",
      ["return { start = print, polcy = {} }"] = "scheme.lua: unknown option 'polcy'; did you mean 'policy'?",
      ["return { start = print, listen = 7 }"] = "scheme.lua: option 'listen' must be a string, not a number",
      ["\nprint(os.time())"] = "scheme.lua:2: a policy only decides: it cannot use os.time",
      ["local time = os.time\ntime()"] = "scheme.lua:2: a policy only decides: it cannot use os.time",
      ["local beside = dofile(... .. '/nothing.lua')"] = "scheme.lua:1: ",
      ["return { start = print, policy = { name = 'x', place = function(_, m)\nreturn m, math.random(2) end } }"] =
        "scheme.lua:2: a policy only decides: it cannot use math.random",
      ["return { start = print, policy = { name = 'x', place = function(_, m)\nrequire('filo').sleep(1) return m end } }"] =
        "scheme.lua:2: a policy only decides: it cannot use filo.sleep",
    } do
      local err = refused("invalid", load(text))
      assert(tostring(err):find(expected, 1, true), ("%s\n%s"):format(text, tostring(err)))
    end
  end)

  it("that fails in the course of a simulation is told with its line, whichever part of it that is", function()
    for text, expected in pairs {
      ["return { start = function()\nerror 'at once' end }"] = "scheme.lua:2: at once",
      ["return { start = function()\nio.popen 'x' end }"] =
        "scheme.lua:2: a simulated node has its disk and its peers, and no more: it cannot use io.popen",
      ["local filo = require 'filo' return { start = function() filo.spawn(function()\nfilo.sleep(5) error 'later' end) end }"] =
        "scheme.lua:2: later",
      ["local filo = require 'filo' return { start = function() filo.every(9, function()\nlocal x = nil; x() end) end }"] =
        "scheme.lua:2: attempt to call a nil value",
      ["local filo = require 'filo' return { start = function(node) node:spawn(function()\nassert(node:get 'nothing') end) end }"] =
        "scheme.lua:2: 'nothing' is not here",
      ["return { start = function(node) node:on('peer_up', function()\nerror 'hooked' end) end }"] = "scheme.lua:2: hooked",
      ["return { start = function(node) node:handle('t', function()\nerror 'handled' end)\nnode:ready(60, 2) node:broadcast 't' end }"] =
        "scheme.lua:2: handled",
      ["return { put = function()\nerror 'put' end }"] = "scheme.lua:2: put",
      ["return { start = function() while true do end end }"] = "scheme.lua:1: stopped: it computed for too long without waiting",
    } do
      local result = run(text, { hours = 0.1 })
      assert(result.problems.first and result.problems.first:find(expected, 1, true), ("%s\n%s"):format(text, result.problems.first))
      assert.matches("the scheme failed [%d,]+ times?, first: ", sim.text(result))
    end
  end)
end)
