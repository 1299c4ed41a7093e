-- object:save to a device, a pipe or /dev/stdout put a regular file in its place, where it might, or failed for want of offsets.

local filo = require "filo"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local SIZE = 3 << 20
local SECONDS = 20

local SCRIPT = [[
local filo = require "filo"
local node <close> = assert(filo.node { root = arg[1], durability = "none", log = function() end })
assert(node:store("key", ("x"):rep(]] .. SIZE .. [[)))
local object <close> = assert(node:get "key")
io.write "before\n"
assert(object:save "/dev/stdout")
print "\nafter"
]]

---A node that has stored "key", and its object.
local function start(net)
  local a = net:start "a"
  assert(a:store("key", ("x"):rep(SIZE)))
  return assert(a:get "key")
end

describe("saving to", function()
  for name, command in pairs { ["a redirected standard output"] = [["$0" "$@"]], ["a pipe"] = [["$0" "$@" | cat]] } do
    it(name .. " writes there, in turn with what else is printed", function()
      local folder <close> = temp.folder()
      local script = folder:write("script.lua", SCRIPT)
      local result = process.run { program = "sh", "-c", command, filo.program, script, folder:file "root" }
      assert.equal("", result.err)
      assert.is_true("before\n" .. ("x"):rep(SIZE) .. "\nafter\n" == result.out)
    end)
  end

  it("a named pipe feeds who reads it, and waits for that without stopping the node", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local object <close> = start(net)
    local fifo = folder:file "fifo"
    assert(os.execute("mkfifo " .. temp.quote(fifo)))
    local saved, err = object:save(fifo)
    assert.is_nil(saved)
    assert.matches("nobody reads", tostring(err))
    local _ <close> = assert(io.open(fifo, "r+b")) -- opening does not wait for a writer
    local saving = filo.spawn(object.save, object, fifo)
    assert.is_nil((saving:join(0.05))) -- the pipe holds less
    local reader <close> = process.start { program = "head", "-c", tostring(SIZE), fifo }
    assert.is_true(saving:join(SECONDS))
    assert.equal(SIZE, #reader:wait(SECONDS).out)
    local given_up = filo.spawn(function()
      local _ <close> = assert(io.open(fifo, "r+b"))
      return object:save(fifo)
    end)
    assert.is_nil((given_up:join(0.05)))
    given_up:cancel()
    pcall(given_up.join, given_up)
    assert.equal("named pipe", lfs.attributes(fifo, "mode"))
  end)

  it("a device leaves it one", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local object <close> = start(net)
    assert(lfs.link("/dev/null", folder:file "null", true))
    assert(lfs.link("/dev/full", folder:file "full", true))
    assert(object:save(folder:file "null"))
    local saved, err = object:save(folder:file "full")
    assert.is_nil(saved)
    assert.equal("no_space", err.code)
    assert.equal("char device", lfs.attributes(folder:file "full", "mode"))
  end)
end)
