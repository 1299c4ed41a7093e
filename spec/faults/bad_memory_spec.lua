---Memory that is bad: what the system remembers of a file is not what lies on the disk.

local block_disk = require "spec.support.block_disk"
local inside = require "filo.base.inside"
local nodes = require "spec.support.nodes"

-- A copy that was good was taken for bad, set aside, and in the end deleted, when it was the memory that held it that was not; and one that
-- had rotted was called good, as long as the memory that held it was not.

local SIZE = 3 << 20

local function read_file(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

---Calls fn(net, a, path, disk, flip) with a node on such a disk, which has an object "key" at `path`. flip(at) flips a byte on the disk.
local function on_disk(fn)
  local disk <close> = block_disk.mount() or pending(block_disk.WHY_NOT)
  local net <close> = nodes.net()
  local a = net:start("a", { root = disk:file "root", durability = "full", identity = net.folder:file "identity", create = true })
  assert(a:store("key", nodes.bytes(SIZE)))
  local path = nodes.place(a, a, "key")
  local sealed = read_file(path)
  fn(net, a, path, disk, function(at) disk:flip_after(sealed:sub(at - 31, at)) end)
end

---Places in the file: in its first and last chunk, in the list of hashes, in the record.
local PLACES = { 100, SIZE - 100, SIZE + 40, SIZE + 3 * 32 + 120 }

describe("memory that is bad", function()
  for _, at in ipairs(PLACES) do
    it(("makes no good copy bad, at byte %d"):format(at), function()
      on_disk(function(net, _, path, disk, flip)
        local options = net.options.a
        flip(at)
        net:stop "a"
        disk:forget()
        read_file(path) -- the system remembers what lies there now, which is bad
        flip(at)
        local a = net:start("a", options)
        assert.is_true(nodes.bytes(SIZE) == nodes.content(a, "key"))
        assert.is_true(a:verify "key")
        assert.same({ 0, 0 }, { inside.of(a).disk:bad() })
      end)
    end)

    it(("makes no bad copy good, at byte %d"):format(at), function()
      on_disk(function(_, a, path, _, flip)
        read_file(path)
        flip(at)
        local ok, err = a:verify "key"
        assert.is_nil(ok)
        assert.equal("corrupt", err.code)
        assert.equal(1, (inside.of(a).disk:bad()))
      end)
    end)
  end
end)
