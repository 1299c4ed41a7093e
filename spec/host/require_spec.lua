local at_end = require "filo.host.at_end"
local filo = require "filo"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

-- A module that waited, as one does that makes a node, could not be loaded: "cannot wait here".

---Has modules for a test, by their names; taken away at the end of the scope.
local function modules(given)
  for name, loader in pairs(given) do package.preload[name] = loader end
  return setmetatable({}, { __close = function()
    for name in pairs(given) do package.preload[name], package.loaded[name] = nil, nil end
  end })
end

describe("require", function()
  it("loads a module that waits, once", function()
    local count = 0
    local _ <close> = modules { ["test.slow"] = function(...)
      count = count + 1
      filo.sleep(0)
      return { ... }
    end }
    local value, extra = require "test.slow"
    assert.same({ "test.slow", ":preload:" }, value)
    assert.equal(":preload:", extra)
    assert.equal(value, require "test.slow")
    assert.equal(1, count)
  end)

  it("gives all tasks that load a module at once the same one", function()
    local count, go = 0, filo.channel()
    local _ <close> = modules { ["test.slow"] = function()
      count = count + 1
      return { go:receive() }
    end }
    local tasks = {}
    for i = 1, 3 do tasks[i] = filo.spawn(require, "test.slow") end
    filo.sleep(0)
    go:send "value"
    local value = tasks[1]:join()
    assert.same({ "value" }, value)
    assert.equal(value, (tasks[2]:join()))
    assert.equal(value, (tasks[3]:join()))
    assert.equal(1, count)
  end)

  it("has the next one load it when a module fails or its task is cancelled", function()
    local count, forever = 0, filo.channel()
    local _ <close> = modules { ["test.slow"] = function()
      count = count + 1
      if count == 1 then forever:receive() end
      if count == 2 then error "no luck" end
    end }
    local first = filo.spawn(require, "test.slow"):observe()
    local second = filo.spawn(require, "test.slow"):observe()
    filo.sleep(0)
    first:cancel()
    assert.matches("no luck", select(2, pcall(second.join, second)))
    assert.is_true(require "test.slow")
    assert.equal(3, count)
  end)

  it("does not wait for what waits for it", function()
    local a_began, b_began = filo.channel(), filo.channel()
    local depth = 0
    local function other(mine, began, name)
      return function()
        depth = depth + 1
        if depth > 2 then return name end
        mine:send(true)
        began:receive()
        return require(name)
      end
    end
    local _ <close> = modules {
      ["test.a"] = other(a_began, b_began, "test.b"), ["test.b"] = other(b_began, a_began, "test.a"),
    }
    local tasks = { filo.spawn(require, "test.a"), filo.spawn(require, "test.b") }
    assert.is_string(tasks[1]:join(10))
    assert.is_string(tasks[2]:join(10))
  end)

  -- The second's failure put back the entry of the first, which had ended: who came next looked at it for ever.
  it("loads anew what two loaded within each other and both failed to", function()
    local go, tries = filo.channel(), 0
    local _ <close> = modules {
      ["test.x"] = function()
        tries = tries + 1
        if tries == 1 then require "test.y" end
        if tries == 2 then go:receive() error "no luck" end
        return "x"
      end,
      ["test.y"] = function()
        filo.sleep(0.02)
        return require "test.x"
      end,
    }
    local second = filo.spawn(pcall, require, "test.y")
    filo.sleep(0)
    local first = filo.spawn(require, "test.x"):observe()
    filo.sleep(0.05)
    first:cancel()
    filo.sleep(0)
    go:send(true)
    assert.is_false(second:join())
    assert.equal("x", (require "test.x"))
  end)

  it("names what it has tried, at the line of who requires", function()
    local ok, err = pcall(function() require "test.nothing" end)
    assert.is_false(ok)
    local HERE = "^spec/host/require_spec.lua:%d+: "
    assert.matches(HERE .. "module 'test.nothing' not found:\n\tno field package.preload%['test.nothing'%]\n\tno", err)
    assert.matches(HERE .. "bad argument #1 to 'require'", select(2, pcall(function() require(nil) end)))
  end)

  it("says that package.searchers is no table", function()
    local searchers = package.searchers
    local _ <close> = at_end(function() package.searchers = searchers end)
    package.searchers = 3
    local _, err = pcall(function() require "test.nothing" end)
    assert.matches("require_spec.lua:%d+: 'package.searchers' must be a table", err)
  end)

  it("loads files that make a node, by -l, too", function()
    local folder <close> = temp.folder()
    folder:write("mine.lua", [[
      local filo = require "filo"
      local node <close> = assert(filo.node { root = os.getenv "ROOT", log = function() end })
      assert(node:store("key", "content"))
      return node:get("key"):read "a"
    ]])
    local env = { LUA_PATH = folder:file "?.lua", ROOT = folder:file "root" }
    local result = process.run { "-l", "mine", "-e", "print(mine)", env = env }
    assert.equal("", result.err)
    assert.equal("content\n", result.out)
  end)
end)
