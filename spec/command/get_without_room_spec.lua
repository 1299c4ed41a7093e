-- An owner whose reserve was full could not get what lay at peers, not even to another disk: it was to be kept in the root first.

local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"
local stores = require "spec.support.stores"
local temp = require "spec.support.temp"

local MIB = 1 << 20
local FULL = 1 << 60 -- a reserve that no disk has

---Calls fn(house, run) with a node "a" whose objects lie at "b" only, and which has no room; contents: by key.
local function without_room(contents, fn)
  local house <close> = commands.house()
  local first, token = house:first "a"
  house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
  local _, address = house:serve "b"
  first:expect "is connected"
  for _, each in ipairs(contents) do
    house.folder:write("source", each.content)
    assert.equal(0, house:within("a", "put", "source", "-k", each.key, table.unpack(each.options or {})).status)
    assert.equal(0, house:within("a", "rm", "--here", each.key).status)
  end
  first:kill "TERM"
  first:wait()
  house:write("a", "node.lua", ("return { listen = '127.0.0.1:0', bootstrap = { %q }, reserve = %d }"):format(address, FULL))
  house:serve("a"):expect "is connected"
  fn(house, function(...) return house:within("a", ...) end)
end

describe("filo get", function()
  it("writes what the root has no room for where it is to go", function()
    local contents = {
      { key = "large", content = nodes.bytes(5 * MIB + 12345, 1) }, { key = "small", content = "small content" },
      { key = "empty", content = "" }, { key = "public", content = nodes.bytes(2 * MIB, 2), options = { "--plain" } },
    }
    without_room(contents, function(house, run)
      assert(os.execute("mkdir " .. temp.quote(house.folder:file "target")))
      for _, each in ipairs(contents) do
        local result = run("get", each.key, "-d", "target")
        assert.same({ 0, "" }, { result.status, result.err })
        assert.is_true(each.content == house.folder:read("target/" .. each.key), each.key)
        assert.matches("copy       at peers only", run("stat", each.key).out, 1, true)
      end
      assert.equal(0, run("get", "small", "-f", "-o", "target/large").status)
      assert.equal("small content", house.folder:read "target/large")
      assert.same({ "empty", "large", "public", "small" }, stores.list(house.folder:file "target"))
      assert.same({}, stores.list(house:root "a" .. "/tmp"))
      assert.is_nil(run("ls", "-l").out:find("  here  ", 1, true))
    end)
  end)

  it("says that there is no room where it cannot", function()
    without_room({ { key = "large", content = nodes.bytes(2 * MIB, 1) } }, function(_, run)
      local result = run("get", "large", "-o", "-")
      assert.same({ 1, "" }, { result.status, result.out })
      assert.matches("^filo get: cannot get 'large': no room for .*; free some on its disk\n$", result.err)
      assert.matches("cannot write none/x: No such file or directory\n$", run("get", "large", "-o", "none/x").err)
      assert.equal(3, run("get", "nothing", "-o", "x").status)
    end)
  end)
end)

describe("a fetch to a file", function()
  it("keeps nothing here, and says what is wrong with the file", function()
    local net <close> = nodes.net()
    local folder <close> = temp.folder()
    local a = nodes.cluster(net, 2)
    local content = nodes.bytes(3 * MIB, 3)
    assert(a:store("key", content))
    assert(a:evict "key")
    local file <close> = assert(io.open(folder:file "copy", "w+b"))
    local item = assert(a:fetch("key", { to = file }))
    assert.same({ "key", #content, "peers" }, { item.key, item.size, item.from })
    assert.is_true(content == folder:read "copy")
    assert.equal("peers", a:stat("key").from)
    local closed <close> = assert(io.open(folder:write("read only", "")))
    local nothing, err = a:fetch("key", { to = closed })
    assert.is_nil(nothing)
    assert.matches("cannot write the file that an object is fetched to", tostring(err))
    assert.equal("not_found", select(2, a:fetch("none", { to = file })).code)
    assert.error_matches(function() a:fetch("key", { to = "a path" }) end, "option 'to'")
  end)
end)
