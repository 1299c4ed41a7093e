---A quota that is reached while much comes, and nodes that end in the middle of that.

local commands = require "spec.support.commands"
local json = require "filo.dkjson"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"

local FILES, KIB, BLOCK = 60, 1024, 4096

---A tree of files, small ones and some that go by a stream.
local function make_tree(house, name)
  lfs.mkdir(house.folder:file(name))
  for i = 1, FILES do
    house.folder:write(("%s/%02d"):format(name, i), nodes.bytes(i % 10 == 0 and 100 * KIB or 6 * KIB, i))
  end
end

---A keeper, and owners whose nodes are connected to it.
local function with_keeper(owners, fn)
  local house <close> = commands.house()
  local child, token = house:first "keeper"
  for i, name in ipairs(owners) do
    house:feed(token, name, "join", "-", "--listen", "127.0.0.1:0")
    house:serve(name)
    nodes.wait(function() return select(2, house:run("keeper", "peers", "--json").out:gsub('"connected":true', "")) == i end, "peer")
    make_tree(house, "tree of " .. name)
  end
  fn(house, child)
end

local function bound(house, quota)
  local text = house:read("keeper", "node.lua"):gsub(" quota = {.-},", "")
  house:write("keeper", "node.lua", (text:gsub("%f[%w]return {", "%0 quota = " .. quota .. ",", 1)))
  assert.equal(0, house:run("keeper", "reload").status)
end

---What the keeper keeps, line by line.
local function usage(house)
  local list = {}
  for line in house:run("keeper", "usage", "--json").out:gmatch "[^\n]+" do list[#list + 1] = json.decode(line, 1, nil, nil) end
  return list
end

---The last of these: in all.
local function in_all(house)
  local list = usage(house)
  return list[#list]
end

describe("a quota that is reached in the middle of filo put -r", function()
  it("is kept to by two who put at once, and counts the same after kill -9", function()
    with_keeper({ "a", "b" }, function(house, child)
      local limit = 500 * KIB
      bound(house, ("{ total = %d }"):format(limit))
      local puts = {}
      for i, name in ipairs { "a", "b" } do
        puts[i] = house:start_within(name, "put", "-r", "tree of " .. name)
      end
      local refused = 0
      for _, put in ipairs(puts) do
        local result = put:wait()
        local _, count = result.err:gsub("refused: it keeps 500.0 KiB for others at most, and has %d+%.%d KiB", "")
        refused = refused + count
        assert.equal(4, result.status)
      end
      local kept = in_all(house)
      assert.same({ limit, kept.bytes + BLOCK * kept.objects }, { kept.limit, kept.counted })
      assert.is_true(kept.counted <= limit and kept.counted > limit - 6 * KIB - BLOCK)
      assert.is_true(refused > 0)
      local before = usage(house)
      child:kill "KILL"
      child:wait()
      house:serve "keeper"
      assert.same(before, usage(house))
    end)
  end)

  it("may be made smaller and larger meanwhile", function()
    with_keeper({ "a" }, function(house)
      bound(house, '{ owner = "100 MB" }')
      local put = house:start_within("a", "put", "-r", "tree of a")
      nodes.wait(function() return usage(house)[1] end, "copy")
      bound(house, "{ owner = 0 }")
      local status = put:wait().status
      local objects = usage(house)[1].objects -- with what was on its way
      assert.equal(objects <= FILES and 4 or 0, status)
      assert.equal(4, house:feed("more", "a", "put", "-", "-k", "more").status)
      assert.equal(objects, usage(house)[1].objects)
      assert.matches(": nothing new is taken\n", house:run("keeper", "status").out)
      bound(house, '{ owner = "100 MB" }')
      assert.equal(0, house:within("a", "put", "-r", "tree of a").status)
      assert.equal(FILES + 1, usage(house)[1].objects) -- with the folder
    end)
  end)
end)
