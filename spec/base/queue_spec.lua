local new_queue = require "filo.base.queue"

-- Tasks that waited in line searched it, or moved all of it, when one of them left: 40,000 receivers of a channel took a minute.

---Puts so many in and takes all out by fn(queue, i, count); gives the instructions that it took.
local function count_instructions(count, fn)
  local queue, steps = new_queue(), 0
  for i = 1, count do queue:add(i) end
  debug.sethook(function() steps = steps + 1 end, "", 1)
  for i = 1, count do fn(queue, i, count) end
  debug.sethook()
  assert.is_nil(queue:take())
  return steps
end

describe("a queue", function()
  it("gives its members in the order in which they came, without those that have left", function()
    local queue = new_queue()
    for i = 1, 6 do queue:add(i) end
    assert.is_true(queue:remove(1))
    assert.is_true(queue:remove(4))
    assert.is_false(queue:remove(4))
    assert.equal(2, queue:take())
    queue:add(4)
    assert.same({ 3, 5, 6, 4 }, { queue:take(), queue:take(), queue:take(), queue:take() })
    assert.is_nil(queue:take())
    assert.same({ false, nil }, { queue:remove(3), queue:take() })
  end)

  for name, fn in pairs {
    first = function(queue) queue:take() end,
    newest = function(queue, i, count) queue:remove(count + 1 - i) end,
    oldest = function(queue, i) queue:remove(i) end,
  } do
    it(("lets the %s leave at a cost that does not depend on its length"):format(name), function()
      local small, large = count_instructions(100, fn), count_instructions(10000, fn)
      assert.is_true(large < 120 * small, ("%d and %d"):format(small, large))
    end)
  end
end)
