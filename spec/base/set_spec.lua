local new_set = require "filo.base.set"

describe("a set", function()
  it("is gone over in the order in which its members came", function()
    local set = new_set()
    local members = {}
    for i = 1, 50 do
      members[i] = {}
      set:add(members[i])
      set:add(members[1])
    end
    assert.same(50, set.count)
    for i, member in ipairs(set:list()) do assert.equal(members[i], member) end
    assert.is_true(set:remove(members[1]))
    assert.is_false(set:remove(members[1]))
    set:add(members[1])
    assert.equal(members[1], set:list()[50])
    assert.is_true(set:has(members[1]))
    assert.is_false(set:has "x")
  end)
end)
