---raises(pattern, fn, ...): the error that fn raises must match, with its position (which busted's own assertions cut off).

local assert = require "luassert"

return function(pattern, fn, ...)
  local ok, err = pcall(fn, ...)
  assert.is_false(ok, "an error was expected: " .. pattern)
  assert.matches(pattern, tostring(err))
end
