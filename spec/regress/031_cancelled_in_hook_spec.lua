-- A task cancelled while it waited for a before_... hook went on, as if the hook had allowed what it was about to refuse.

local filo = require "filo"
local nodes = require "spec.support.nodes"

describe("a task that waits for a hook", function()
  it("can be cancelled; what the hook was asked about does not happen", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("kept", "content"))
    local entered, ended = 0, 0
    for _, name in ipairs { "before_store", "before_delete" } do
      a:on(name, function()
        entered = entered + 1
        local _ <close> = setmetatable({}, { __close = function() ended = ended + 1 end })
        filo.sleep(60)
      end)
    end
    for i, call in ipairs {
      function() return a:store("key", "content") end, function() return a:delete "kept" end,
    } do
      local after
      local task = filo.spawn(function()
        local _ <close> = setmetatable({}, { __close = function(_, err) after = err end })
        return call()
      end):observe()
      nodes.wait(function() return entered == i end, "hook")
      task:cancel "enough"
      local ok, err = pcall(task.join, task, 5)
      assert.is_false(ok)
      assert.equal("cancelled", err.code)
      assert.equal("enough", after.message)
      nodes.wait(function() return ended == i end, "end of the hook")
    end
    assert.is_false(a:has "key")
    assert.is_true(a:has "kept")
  end)
end)
