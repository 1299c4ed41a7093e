local new_terminal = require "spec.support.terminal"
local prompt = require "spec.support.prompt"
local temp = require "spec.support.temp"

local INTERRUPT, TAB = "\3", "\t"

---Reads and shows lines. Completion waits for SIGUSR1.
local SCRIPT = [[
  local editline = require "filo.core.editline"
  local runtime = require "filo.core.runtime"
  local waiting
  runtime.on_signal("USR1", function() runtime.wake(waiting) end)
  local function complete(text)
    if text == "fail" then error "no idea" end
    local _ <close> = setmetatable({}, { __close = function(_, err) if err then print(err) end end })
    print("asked: " .. text)
    waiting = runtime.current()
    runtime.suspend()
    return "-answer-"
  end
  local editor <close> = assert(editline.open(complete))
  runtime.on_signal("INT", function() editor:interrupt() end)
  while true do
    local line, err = editor:read "> "
    if not (line or err) then break end
    print(line and "read: " .. line or err)
  end
]]

describe("completion at the terminal", function()
  local dir, terminal

  before_each(function()
    dir = temp.folder()
    terminal = new_terminal { dir:write("script.lua", SCRIPT) }
    terminal:expect ">"
  end)

  after_each(function()
    terminal:close()
    dir:remove()
  end)

  it("may wait, and so does what is typed meanwhile", function()
    terminal:type("ab" .. TAB)
    terminal:expect "asked: ab\n> ab"
    terminal:type "cd\r"
    terminal:kill "USR1"
    terminal:expect "> ab-answer-cd\nread: ab-answer-cd\n>"
  end)

  it("is asked for the text before the cursor", function()
    terminal:type("abc\27[D" .. TAB)
    terminal:expect "asked: ab\n> abc"
    terminal:kill "USR1"
    terminal:expect "> ab-answer-c"
  end)

  it("ends with the line", function()
    terminal:type("ab" .. TAB)
    terminal:expect "asked: ab\n> ab"
    terminal:type(INTERRUPT)
    terminal:expect "> ab^C\nthe line has ended\ninterrupted\n>"
    terminal:type "cd\r"
    terminal:expect "> cd\nread: cd\n>"
  end)

  it("leaves the line as it is when it fails", function()
    terminal:type("fail" .. TAB)
    terminal:expect_somewhere "filo: cannot complete: "
    terminal:type "ed\r"
    terminal:expect "read: failed\n>"
  end)

  it("may be under way when the editor is closed", function()
    terminal:type("ab" .. TAB)
    terminal:expect "asked: ab\n> ab"
    terminal:kill "TERM"
    assert.same({ 143, true }, { terminal:wait() })
  end)
end)

-- A character of no width threw off the line editor's idea of where the cursor is: what was edited afterwards appeared elsewhere.
describe("a line with accents that combine", function()
  it("is edited where the cursor is, though libedit leaves the accents out", function()
    local terminal <close> = prompt.open()
    terminal:type("x = 'e\u{301}漢字 ok'" .. prompt.LEFT:rep(4) .. prompt.BACKSPACE)
    terminal:expect "> x = 'e漢 ok'"
    terminal:type("\rx\r")
    terminal:expect '> x\n"e\u{301}漢 ok"\n>'
    prompt.leave(terminal)
  end)
end)
