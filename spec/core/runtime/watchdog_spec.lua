---Limits to computing hold whatever a script does about their error, and what cannot be stopped is told of.

local filo = require "filo"
local in_use = require "spec.support.in_use"
local interruptible = require "spec.support.interruptible"
local json = require "filo.dkjson"
local limits = require "spec.support.limits"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local refused = require "spec.support.refused"
local runtime = require "filo.core.runtime"

local STOPPED = "watchdog_spec.lua:%d+: stopped: it computed for too long without waiting"

local function loop() while true do end end; -- luacheck: ignore

local function closing(fn) return setmetatable({}, { __close = fn }) end

local function nothing() end

---What would catch the error of a limit and go on.
local ESCAPES = {
  ["pcall"] = function() pcall(loop) end,
  ["a message handler"] = function() xpcall(loop, loop) end,
  ["coroutines"] = function()
    coroutine.resume(coroutine.create(function() while true do pcall(coroutine.wrap(loop)) end end))
  end,
  ["variables to be closed"] = function()
    pcall(function()
      local _ <close> = closing(loop)
      loop()
    end)
  end,
  ["coroutines that are closed"] = function()
    local co = coroutine.create(function()
      local _ <close> = closing(loop)
      coroutine.yield()
    end)
    coroutine.resume(co)
    coroutine.close(co)
  end,
  ["load"] = function() load(loop) end,
  ["metamethods"] = function() pcall(tostring, setmetatable({}, { __tostring = loop })) end,
  ["a debug hook"] = function()
    debug.sethook(nothing, "", 1)
    pcall(loop)
  end,
}

if not interruptible then
  pending "this build delivers signals late"
  return
end

describe("a limit to computing", function()
  for name, escape in pairs(ESCAPES) do
    it("is not escaped by " .. name, function()
      local task = filo.spawn(function() while true do escape() end end):observe():limit(0.01)
      local ok, err = pcall(task.join, task, 60)
      assert.is_false(ok)
      assert.matches(STOPPED, tostring(err))
    end)
  end

  it("leaves a script time to clean up", function()
    local closed
    local task = filo.spawn(function()
      local _ <close> = closing(function()
        for _ = 1, 1000 do closed = (closed or 0) + 1 end
      end)
      loop()
    end):observe():limit(0.01)
    assert.is_false(pcall(task.join, task))
    assert.equal(1000, closed)
  end)

  it("stops no code of Filo's own, which leaves nothing half done", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    local function content() while true do pcall(loop) end end; -- luacheck: ignore
    local task = filo.spawn(function() return node:store("key", content) end):observe():limit(0.01)
    local ok, result, err = pcall(task.join, task)
    assert.matches(STOPPED, tostring(not ok and result or err))
    assert(node:store("key", "content"))
    assert.same({}, node:activity())
  end)

  it("holds within that of what is around it, and ends with it", function()
    local function inner() return runtime.pinned(3600, loop) end
    local ok, err = pcall(runtime.pinned, 0.01, inner)
    assert.is_false(ok)
    assert.matches(STOPPED, err)
    assert.same({ 1, 2 }, { runtime.pinned(0.01, function(...) return ... end, 1, 2) })
    local until_ = os.clock() + 0.15
    while os.clock() < until_ do end
  end)

  it("holds for hooks", function()
    local _ <close> = limits { compute = 0.01 }
    local net <close> = nodes.net()
    local node = net:start "a"
    local remove = node:on("before_store", function() while true do pcall(loop) end end)
    assert.matches("the 'before_store' hook failed: .*" .. STOPPED, tostring(refused("denied", node:store("key", "content"))))
    remove()
    assert(node:store("key", "content"))
  end)

  it("holds for policies", function()
    local _ <close> = limits { compute = 0.01 }
    local net <close> = nodes.net()
    local node = net:start("a", { policy = { name = "a test", place = in_use.place(function() while true do pcall(loop) end end) } })
    local stored, err = node:store("key", "content")
    assert.is_nil(stored)
    assert.matches(STOPPED, tostring(err))
  end)

  it("does not hold for what is called later, where time is virtual", function()
    local seen
    local world = runtime.virtual(function()
      runtime.later(1, function()
        local until_ = os.clock() + 0.3
        while os.clock() < until_ do end
        seen = true
      end)
      runtime.sleep(2)
    end):limit(0.01)
    world:join()
    assert.is_true(seen)
  end)
end)

describe("an interruption", function()
  for name, code in pairs {
    ["pcall"] = "pcall(loop)",
    ["coroutines"] = "pcall(coroutine.wrap(function() while true do pcall(loop) end end))",
    ["a longer limit"] = [[pcall(require("filo.core.runtime").pinned, 3600, function() while true do pcall(loop) end end)]],
  } do
    it("is not escaped by " .. name, function()
      local child <close> = process.start { "-e", ([[
        local function loop() while true do end end
        print "computes" io.stdout:flush()
        while true do %s end
      ]]):format(code) }
      child:expect "computes"
      child:kill "INT"
      local result = child:wait()
      assert.equal(130, result.status)
      assert.matches("interrupted\n", result.err)
    end)
  end

  it("leaves the limit of a call as it is", function()
    local child <close> = process.start { "-e", [[
      local runtime = require "filo.core.runtime"
      runtime.on_signal("INT", function() print "heard" end, true)
      local function loop() while true do pcall(function() while true do end end) end end
      print "computes" io.stdout:flush()
      local task = runtime.spawn(runtime.pinned, 3600, loop):observe()
      print(pcall(task.join, task))
      runtime.sleep(0)
      print(pcall(runtime.pinned, 0.01, loop))
    ]] }
    child:expect "computes"
    child:kill "INT"
    local result = child:wait()
    assert.equal(0, result.status)
    assert.matches("false\t[^\n]*: interrupted\nheard\nfalse\t[^\n]*: stopped: it computed for too long", result.out)
  end)
end)

describe("a debug hook of a script", function()
  it("is put back after the report of a long computation", function()
    local result = process.run { "-e", [[
      local called = 0
      local function hook() called = called + 1 end
      debug.sethook(hook, "", 1000)
      local until_ = os.clock() + 1.25
      while os.clock() < until_ do end
      local fn, mask, count = debug.gethook()
      local before = called
      for _ = 1, 10000 do end
      print(fn == hook, mask, count, called > before)
    ]] }
    assert.equal("true\t\t1000\ttrue\n", result.out)
    assert.matches("has been running for 1 s", result.err)
  end)
end)

local TOLD = "filo: a script has been running for 2 s within one call of a C function, a finalizer or a debug hook, at "
  .. "%(command line%):1; nothing else runs meanwhile"

describe("a script that is stuck where no error can be raised", function()
  it("is told of, and ended by SIGTERM", function()
    local child <close> = process.start { "-e", [[string.find(("a"):rep(60), (".-"):rep(30) .. "b")]] }
    child:expect(TOLD)
    child:kill "TERM"
    local result = child:wait()
    assert.equal(143, result.status)
    assert.matches("filo: terminated, and nothing was closed: a script does not stop, at %(command line%):1\n$", result.err)
  end)

  it("is ended by Ctrl-C that is pressed again and again, which says where", function()
    local child <close> = process.start { "-e", [[string.find(("a"):rep(60), (".-"):rep(30) .. "b")]] }
    child:expect "has been running"
    repeat
      child:kill "INT"
      filo.sleep(0.2)
    until child:has_ended()
    local result = child:wait()
    assert.equal(130, result.status)
    assert.matches("filo: interrupted, and nothing was closed: a script does not stop, at %(command line%):1\n$", result.err)
  end)

  it("is told of with its place though it is the outermost function of a task, and in JSON when so asked", function()
    local child <close> = process.start { "-e", [[
      local runtime = require "filo.core.runtime"
      runtime.log_format "json"
      runtime.on_signal("TERM", function() end)
      runtime.spawn(function() while true do end end)
      runtime.sleep(0)
    ]] }
    child:expect "has been running"
    child:kill "TERM"
    local result = child:wait()
    assert.equal(143, result.status)
    local lines = {}
    for line in result.err:gmatch "[^\n]+" do lines[#lines + 1] = assert(json.decode(line)) end
    assert.equal(2, #lines)
    for i, message in ipairs {
      "^a script has been running for %d+ s without waiting.*\nstack traceback:\n\t%(command line%):4: in ",
      "^terminated, and nothing was closed: a script does not stop, at %(command line%):4$",
    } do
      assert.matches(message, lines[i].message)
      assert.same({ "error", "stuck" }, { lines[i].level, lines[i].event })
      assert.equal(os.date "!%Y-%m-%dT%H", lines[i].time:sub(1, 13))
    end
  end)

  it("is told of, in a finalizer", function()
    local child <close> = process.start { "-e", [[setmetatable({}, { __gc = function() while true do end end }) collectgarbage()]] }
    child:expect(TOLD)
  end)

  it("is ended by SIGTERM when all else has ended", function()
    local child <close> = process.start { "-e", [[
      kept = setmetatable({}, { __gc = function() print "ends" io.stdout:flush() while true do end end })
    ]] }
    child:expect "ends"
    child:kill "TERM"
    local result = child:wait()
    assert.equal(143, result.status)
    assert.equal("filo: terminated, and nothing was closed: the process is stuck\n", result.err)
  end)

  it("ends the process at its limit, where that is asked for", function()
    local result = process.run { "-e", [[
      local runtime = require "filo.core.runtime"
      runtime.end_when_stuck("mine", 7)
      runtime.pinned(0.01, string.rep, "x", 10)
      runtime.pinned(0.01, load 'return string.find(("a"):rep(60), (".-"):rep(30) .. "b")')
    ]] }
    assert.equal(7, result.status)
    assert.matches('^mine: %[string "return string%.find.*"%]:1: stopped, and the process with it: it computed for too long', result.err)
  end)
end)
