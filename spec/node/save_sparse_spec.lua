---Files with holes: what they have is written, and what they do not have takes no room.

local nodes = require "spec.support.nodes"

local BLOCK = 4096

---The bytes of room that a file takes.
local function room(path)
  local pipe <close> = assert(io.popen(("stat -c '%%b' '%s'"):format(path)))
  return tonumber(pipe:read "a") * 512
end

describe("object:save", function()
  ---Saves content with and without holes; gives the room that both files take.
  local function save_both(content)
    local net <close> = nodes.net()
    local node = net:start "a"
    assert(node:store("key", content))
    local rooms = {}
    for i, given in ipairs { { sparse = true }, {} } do
      local object <close> = assert(node:get "key")
      local path = net.folder:file("file" .. i)
      assert(object:save(path, given))
      assert.is_true(content == net.folder:read("file" .. i))
      rooms[i] = room(path)
    end
    return rooms[1], rooms[2]
  end

  it("makes holes of blocks of zeros when it is told to", function()
    local zeros = ("\0"):rep(5 << 20)
    local sparse, full = save_both("begin" .. zeros .. "middle" .. zeros)
    assert.is_true(sparse <= 4 * BLOCK, sparse)
    assert.is_true(full >= 10 << 20, full)
  end)

  it("writes all that is none", function()
    for _, content in ipairs {
      "", "\0", "x", ("\0"):rep(BLOCK), ("\0"):rep(BLOCK) .. "x", ("\0"):rep(BLOCK - 1) .. "x" .. ("\0"):rep(BLOCK + 1),
      nodes.bytes(3 * BLOCK + 1), ("\0"):rep(1 << 20) .. ("x"):rep(1 << 20) .. ("\0"):rep((1 << 20) + 7),
    } do save_both(content) end
  end)

  it("knows its options", function()
    local net <close> = nodes.net()
    local node = net:start "a"
    assert(node:store("key", "content"))
    local object <close> = assert(node:get "key")
    assert.has_error(function() object:save(net.folder:file "file", { spares = true }) end)
    assert.is_false(nodes.exists(net.folder:file "file"))
  end)
end)
