---Commands do several things at once, and tell of them in the order in which they were named.

local commands = require "spec.support.commands"
local filo = require "filo"
local in_order = require "filo.command.in_order"

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = i end
  return list
end

describe("several things done in order", function()
  it("give what came of them in their order, some being done ahead", function()
    local now, most = 0, 0
    local list = numbers(100)
    local result = in_order(list, function(each, i)
      assert.equal(each, i)
      now = now + 1
      most = math.max(most, now)
      for _ = 1, (i * 7) % 5 do filo.sleep(0) end
      now = now - 1
      if i % 10 == 0 then return nil, "not " .. i end
      return i * i
    end)
    for i in ipairs(list) do
      local value, err = result(i)
      if i % 10 == 0 then assert.same({ nil, "not " .. i }, { value, err }) else assert.equal(i * i, value) end
    end
    assert.is_true(most > 1 and most <= 16)
  end)

  it("may be done one at a time", function()
    local now = 0
    local result = in_order(numbers(10), function(i)
      now = now + 1
      assert.equal(1, now)
      filo.sleep(0)
      now = now - 1
      return i
    end, 1)
    for i = 1, 10 do assert.equal(i, result(i)) end
  end)

  it("may wait for those before them, also for one that fails", function()
    local order = {}
    local result = in_order(numbers(20), function(i, _, wait_for_others)
      for _ = 1, 20 - i do filo.sleep(0) end
      wait_for_others()
      order[#order + 1] = i
      if i == 3 then error "three" end
      return i
    end)
    for i = 1, 20 do
      local ok, value = pcall(result, i)
      assert.equal(i ~= 3, ok)
      assert.equal(i ~= 3 and i, ok and value)
    end
    assert.same(numbers(20), order)
  end)
end)

describe("filo rm of several keys", function()
  -- It asked for one after the other: each waited for the disks of all peers.
  it("has several deleted at once, and tells of them in their order", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", (house:read("a", "node.lua"):gsub("\n}%s*$", [[

  start = function(node)
    local waiting = 0
    node:on("before_delete", function()
      waiting = waiting + 1
      local deadline = filo.now() + 4
      while waiting < 4 and filo.now() < deadline do filo.sleep(0.001) end
      if waiting < 4 then return false, "nobody else is here" end
    end)
  end,
}
]])))
    house:serve "a"
    house:shell "mkdir d; for i in 1 2 3 4 5 6; do echo $i > d/$i; done"
    house:within("a", "put", "-r", "-q", "d")
    local result = house:within("a", "rm", "d/6", "d/1", "d/none", "d/3", "d/2")
    assert.equal("deleted d/6\ndeleted d/1\ndeleted d/3\ndeleted d/2\n", result.out)
    assert.matches("'d/none' is not here", result.err)
  end)
end)
