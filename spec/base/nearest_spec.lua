local options = require "filo.base.options"

-- 'log' was suggested for 'foo', and 'ls' for the empty text.
describe("the nearest name", function()
  it("is one that may have been meant", function()
    local names = { "ls", "log", "verify", "version", "policy", "bootstrap" }
    for given, expected in pairs {
      sl = "ls", lgo = "log", verfiy = "verify", versoin = "version", polcy = "policy", boostrap = "bootstrap", polices = "policy",
    } do
      assert.equal(expected, options.nearest(given, names))
    end
    for _, given in ipairs { "", "x", "xy", "foo", "vary", "xylophone" } do assert.is_nil(options.nearest(given, names)) end
  end)
end)
