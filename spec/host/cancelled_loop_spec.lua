---The loop in lua/README.md that outlasts the errors of its work, and not its task.

local filo = require "filo"

---The example that has a text in it.
local function example(text)
  local file <close> = assert(io.open "lua/README.md")
  for code in file:read "a":gmatch "```lua\n(.-)```" do
    if code:find(text, 1, true) then return code end
  end
  error("no example with " .. text)
end

describe("a loop that catches the errors of its work", function()
  it("lets what cancels its task pass", function()
    local loop, told, working = example "local ok, err = pcall(work)", {}, filo.channel()
    local calls = 0
    local function work()
      calls = calls + 1
      if calls < 3 then error "broken" end
      working:send(true)
      filo.sleep(1000)
    end
    local fast = setmetatable({ sleep = function() filo.sleep(0) end }, { __index = filo })
    local env = setmetatable({ work = work, filo = fast, print = function(line) told[#told + 1] = line end }, { __index = _G })
    local task = filo.spawn(assert(load(loop, "=example", "t", env)))
    working:receive()
    task:cancel "enough"
    local ok, err = pcall(task.join, task)
    assert.same({ false, "cancelled", "enough" }, { ok, err.code, err.message })
    assert.equal(2, #told)
    assert.matches("^this time it failed: .*broken$", told[1])
  end)
end)
