local filo = require "filo"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local refused = require "spec.support.refused"

local MUCH = ("x"):rep(16 << 20) -- more than the system takes while nobody reads

---Calls fn(far, near) with both ends of a raw connection.
local function pair(fn)
  local listener <close> = filo.listen "127.0.0.1:0"
  local far <close> = assert(filo.dial(listener:address()))
  local near <close> = assert(listener:accept())
  fn(far, near)
end

describe("a raw connection", function()
  it("goes over IPv4, IPv6 and names", function()
    for _, at in ipairs { "127.0.0.1:0", "[::1]:0", "localhost:0" } do
      local listener <close> = filo.listen(at)
      local port = listener:address():match ":(%d+)$"
      local far <close> = assert(filo.dial((at:gsub(":0$", ":" .. port))))
      local near <close> = assert(listener:accept())
      assert.equal(listener:address(), far:remote())
      assert.matches(at:find "::1" and "^%[::1%]:%d+$" or "^127%.0%.0%.1:%d+$", near:remote())
      assert(near:write "hello\n")
      assert.equal("hello", far:read("l", 10))
    end
  end)

  it("reads up to so many bytes", function()
    pair(function(far, near)
      far:write "abcdef"
      assert.equal("a", near:read(1, 10))
      assert.equal("bc", near:read(2, 10))
      assert.equal("def", near:read(100, 10))
      far:close()
      refused("closed", near:read(1, 10))
    end)
  end)

  it("reads lines, the last of which may have no end", function()
    pair(function(far, near)
      far:write "one\ntwo\r\n\nthr"
      assert.equal("one", near:read("l", 10))
      assert.equal("two", near:read(nil, 10))
      assert.equal("", near:read("l", 10))
      far:write "ee\nfour"
      assert.equal("three", near:read("l", 10))
      far:close()
      assert.equal("four", near:read("l", 10))
      assert.matches("closed the connection", refused("closed", near:read("l", 10)))
    end)
  end)

  it("does not keep a line that has no end", function()
    pair(function(far, near)
      local writer = filo.spawn(function() return far:write(("x"):rep(1 << 20)) end)
      assert.matches("a line of more than 262144 bytes", refused("too_large", near:read("l", 10)))
      local bytes = 0
      while bytes < 1 << 20 do bytes = bytes + #assert(near:read(100000, 10)) end -- but it can be read
      assert.is_true(writer:join(10))
    end)
  end)

  it("reads everything", function()
    pair(function(far, near)
      local content = ("0123456789"):rep(300000)
      local writer = filo.spawn(function()
        assert(far:write(content))
        far:close()
      end)
      assert.is_true(content == near:read("a", 10))
      writer:join(10)
      assert.equal("", near:read("a", 10))
    end)
  end)

  it("has deadlines, and goes on after one has passed", function()
    pair(function(far, near)
      for _, what in ipairs { 1, "l", "a" } do
        assert.matches("no answer from 127.0.0.1:%d+ in time", refused("timeout", near:read(what, 0.01)))
      end
      refused("timeout", near:read(1, 0))
      far:write "late\n"
      assert.equal("late", near:read("l", 10))
    end)
  end)

  it("makes a writer wait for a reader that is slow", function()
    pair(function(far, near)
      local done, piece = false, ("x"):rep(1 << 20)
      local writer = filo.spawn(function()
        for _ = 1, 64 do assert(far:write(piece)) end
        assert(far:flush())
        done = true
      end)
      local bytes = 0
      while bytes < 32 << 20 do bytes = bytes + #assert(near:read(1 << 20, 10)) end
      assert.is_false(done)
      while bytes < 64 << 20 do bytes = bytes + #assert(near:read(1 << 20, 10)) end
      writer:join(10)
      assert.is_true(done)
    end)
  end)

  it("has one reader and one writer at a time", function()
    pair(function(far, near)
      local reader = filo.spawn(function() return near:read(1) end)
      local writer = filo.spawn(function() return near:write(MUCH) end):observe()
      filo.sleep(0)
      raises("raw_spec.lua:%d+: another task reads", function() near:read(1) end)
      raises("raw_spec.lua:%d+: another task writes", function() near:write "y" end)
      far:write "z"
      assert.equal("z", reader:join(10))
      writer:cancel()
    end)
  end)

  it("wakes who reads and who writes when it closes", function()
    pair(function(_, near)
      local reader = filo.spawn(function() return near:read(1) end)
      local writer = filo.spawn(function() return near:write(MUCH) end)
      filo.sleep(0)
      near:close()
      near:close()
      assert.matches("closed meanwhile", refused("closed", reader:join(10)))
      refused("closed", writer:join(10))
      for _, call in ipairs { "read", "write", "flush", "remote" } do
        raises("raw_spec.lua:%d+:.*the connection is closed", function() near[call](near, "x") end)
      end
    end)
  end)

  it("can be written to while the other side has ended, and says so when it has gone", function()
    pair(function(far, near)
      far:write "bye"
      far:close()
      assert.equal("bye", near:read("a", 10))
      local ok, err
      repeat
        ok, err = near:write "anybody there?"
        near:flush()
      until not ok
      assert.is_truthy(err.code == "unreachable" or err.code == "closed")
    end)
  end)

  it("that is misused is an error at the caller's line", function()
    pair(function(_, near)
      raises("1 or more", function() near:read(0) end)
      raises("1 or more", function() near:read(-1) end)
      raises("invalid option", function() near:read "x" end)
      raises("number expected", function() near:read("l", "soon") end)
      raises("string expected", function() near:write() end)
    end)
  end)
end)

-- The deadline of a raw read began anew with every byte, so that who sent one now and then could make it last for ever.
describe("the deadline of a raw read", function()
  it("is not put off by the bytes that come", function()
    local listener <close> = filo.listen "127.0.0.1:0"
    local writer <close> = assert(filo.dial(listener:address()))
    local reader <close> = assert(listener:accept())
    local trickle = filo.spawn(function()
      while true do
        writer:write "x"
        filo.sleep(0.01)
      end
    end)
    local before = filo.now()
    local line, err = filo.timeout(10, reader.read, reader, "l", 0.1)
    assert.is_nil(line)
    assert.equal("timeout", err.code)
    assert.is_true(filo.now() - before < 10)
    trickle:cancel()
  end)
end)

-- Closing a raw connection dropped what had been written to it and was not sent yet.
describe("what was written to a raw connection", function()
  it("arrives though the connection is closed at once", function()
    local listener <close> = filo.listen "127.0.0.1:0"
    local far = assert(filo.dial(listener:address()))
    local near <close> = assert(listener:accept())
    assert(far:write(("x"):rep(200000)))
    far:close()
    assert.equal(200000, #assert(near:read("a", 10)))
  end)
end)

-- What a raw connection had given when it was cut was returned by read "a" and read "l" as if the other side had ended in order.

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

-- 256 KiB that a script did not read from a raw connection stopped the whole process: the loop called nothing else any more.
describe("bytes that are not read from a raw connection", function()
  it("wait, and the loop goes on", function()
    local result = process.run { seconds = 30, "-e", [[
      local filo = require "filo"
      local listener = assert(filo.listen "127.0.0.1:0")
      local far = assert(filo.dial(listener:address()))
      local near = assert(listener:accept())
      print(select(2, filo.timeout(0.2, near.write, near, ("x"):rep(32 << 20))).code)
      local bytes = 0
      while bytes < 1 << 20 do bytes = bytes + #assert(far:read(100000, 10)) end
      print "read"
      os.exit(0)
    ]] }
    assert.equal("timeout\nread\n", result.out)
  end)
end)
