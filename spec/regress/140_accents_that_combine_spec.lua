-- A character of no width threw off the line editor's idea of where the cursor is: what was edited afterwards appeared elsewhere.

local prompt = require "spec.support.prompt"

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
