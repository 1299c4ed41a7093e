-- What a raw connection had given when it was cut was returned by read "a" and read "l" as if the other side had ended in order.

local filo = require "filo"

---The near end of a connection that was cut after "half". The far end takes 256 KiB at most; to close with bytes unread resets.
local function cut()
  local listener <close> = filo.listen "127.0.0.1:0"
  local far = assert(filo.dial(listener:address()))
  local near = assert(listener:accept())
  assert(far:write "half")
  assert(far:flush())
  filo.timeout(0.1, near.write, near, ("x"):rep(8 << 20))
  far:close()
  return near
end

for _, what in ipairs { "a", "l" } do
  describe("a raw connection that is cut", function()
    it("is an error to read '" .. what .. "'; what came can be read", function()
      local near <close> = cut()
      local bytes, err = near:read(what, 10)
      assert.is_nil(bytes)
      assert.equal("unreachable", err.code)
      assert.equal("half", near:read(100))
    end)
  end)
end
