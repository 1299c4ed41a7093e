-- Content of unknown size was written to the disk by the loop thread when it was small, and everything else waited for that disk.

local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

local SIZE = 60000

---Bytes that the loop thread, which runs this, has written since it started.
local function written()
  local file <close> = assert(io.open "/proc/thread-self/io")
  return tonumber(file:read("a"):match "wchar: (%d+)")
end

describe("small content of unknown size", function()
  it("is written by a worker", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    local sent = false
    local function content()
      if sent then return nil end
      sent = true
      return ("x"):rep(SIZE)
    end
    local before = written()
    assert.equal(SIZE, assert(a:store("key", content)).size)
    assert.is_true(written() - before < SIZE)
  end)

  it("is counted when this thread writes it", function()
    local folder <close> = temp.folder()
    local before = written()
    folder:write("file", ("x"):rep(SIZE))
    assert.is_true(written() - before >= SIZE)
  end)
end)
