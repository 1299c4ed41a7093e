local at_end = require "filo.host.at_end"

describe("at_end", function()
  it("calls its function at the end of the scope, with the error that ended it", function()
    local seen = {}
    do
      local _ <close> = at_end(function(err) seen[1] = err or "none" end)
      assert.same({}, seen)
    end
    pcall(function()
      local _ <close> = at_end(function(err) seen[2] = err end)
      error("why", 0)
    end)
    assert.same({ "none", "why" }, seen)
  end)
end)
