---Files that change while they are stored.

local commands = require "spec.support.commands"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"
local while_read = require "spec.support.while_read"

-- A file that was rewritten while it was read was stored as a mixture of both, one that grew at its first size; and neither was told.

local SIZE = 3 << 20

---Stores the file at `path` as "key", and calls change(n) at each of the first `times` times that it is being read, n from 1 on.
local function store_changing(node, path, content, times, change)
  local n = 0
  local _ <close> = while_read(function()
    n = n + 1
    if n <= times then change(n) end
  end)
  return node:store("key", content or filo.file(path))
end

local function write_all(folder, byte)
  local file <close> = assert(io.open(folder:file "file", "r+b"))
  for _ = 1, SIZE >> 20 do assert(file:write(byte:rep(1 << 20))) end
end

---A file of SIZE equal bytes.
local function start(net)
  local node = net:start "a"
  local path = net.folder:write("file", ("a"):rep(SIZE))
  return node, path
end

local function only(byte, content) return content == byte:rep(SIZE) end

describe("a file that changes while it is stored", function()
  it("is read again when it was rewritten", function()
    local net <close> = nodes.net()
    local node, path = start(net)
    local receipt = assert(store_changing(node, path, nil, 1, function() write_all(net.folder, "b") end))
    assert.is_nil(receipt.changed)
    assert.is_true(only("b", nodes.content(node, "key")))
    assert.is_string(node:stat("key").stamp)
  end)

  it("is read again when it grew", function()
    local net <close> = nodes.net()
    local node, path = start(net)
    local receipt = assert(store_changing(node, path, nil, 1, function()
      local file <close> = assert(io.open(path, "ab"))
      assert(file:write "more")
    end))
    assert.is_nil(receipt.changed)
    assert.equal(SIZE + 4, receipt.size)
  end)

  it("is read again when it became shorter", function()
    local net <close> = nodes.net()
    local node, path = start(net)
    local receipt = assert(store_changing(node, path, nil, 1, function() net.folder:write("file", "short") end))
    assert.same({ 5, nil }, { receipt.size, receipt.changed })
    assert.equal("short", nodes.content(node, "key"))
  end)

  it("is read again when it was given as an open file", function()
    local net <close> = nodes.net()
    local node, path = start(net)
    local file <close> = assert(io.open(path, "rb"))
    assert.equal("a", file:read(1))
    local receipt = assert(store_changing(node, path, file, 1, function() write_all(net.folder, "b") end))
    assert.same({ SIZE - 1, nil }, { receipt.size, receipt.changed })
    assert.is_true(("b"):rep(SIZE - 1) == nodes.content(node, "key"))
  end)

  it("is stored as it was read when it changes each time, which is told", function()
    local net <close> = nodes.net()
    local node, path = start(net)
    local receipt = assert(store_changing(node, path, nil, 3, function(n) write_all(net.folder, tostring(n)) end))
    assert.is_true(receipt.changed)
    assert.equal(SIZE, receipt.size)
    assert.is_nil(node:stat("key").stamp)
  end)
end)

describe("filo put of a file that changes each time it is read", function()
  ---A node that serves, and a file that grows each time it is read there.
  local function start_growing(house)
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house.folder:write("file", "begin")
    house.folder:write("file.grows", "")
    house.module, house.variables.GROWING = "spec.support.growing", house.folder:file "file"
  end

  ---Puts it, and gives what came of it.
  local function put_changing(house, ...)
    house:serve "a"
    house.module = nil
    local path = house.folder:file "file"
    local result = house:run("a", "put", path, "-k", "k", ...)
    assert(os.remove(path .. ".grows"))
    assert.matches("file changed each time while it was read: what was read is stored", result.err)
    return result, path
  end

  it("stores it, says so, and exits with 1", function()
    local house <close> = commands.house()
    start_growing(house)
    local result, path = put_changing(house)
    assert.equal(1, result.status)
    assert.matches("^k  ", result.out)
    local again = house:run("a", "put", path, "-k", "k")
    assert.same({ 0, "" }, { again.status, again.err })
    assert.not_matches("unchanged", again.out)
    assert.equal(0, house:run("a", "get", "k", "-o", house.folder:file "back").status)
    assert(os.execute(("cmp %s %s"):format(temp.quote(path), temp.quote(house.folder:file "back"))))
  end)

  -- It printed two lines of one object: a receipt, as if all were well, and a failure.
  it("is told of in one line to programs", function()
    local house <close> = commands.house()
    start_growing(house)
    local result = put_changing(house, "--json")
    assert.equal(1, result.status)
    assert.matches('^{"key":"k","path":"[^"]+","error":{"code":"io","message":"[^\n]+"},"receipt":{[^\n]+"version":%d+[^\n]*}}\n$',
      result.out)
  end)

  it("says so, too, when there are not enough copies", function()
    local house <close> = commands.house()
    start_growing(house)
    local options = house:read("a", "node.lua"):gsub("filo.policy.everywhere", "{ name = 'two', quorum = 2 }")
    house:write("a", "node.lua", options)
    local result = put_changing(house)
    assert.equal(4, result.status)
    assert.matches("1 of 2 copies of 'k' were made", result.err)
  end)
end)
