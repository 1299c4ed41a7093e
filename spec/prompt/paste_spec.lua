local prompt = require "spec.support.prompt"

---A line for each number, joined as a terminal sends a paste.
local function lines(count, form)
  local list = {}
  for i = 1, count do list[i] = form:format(i, i) end
  return table.concat(list, "\r") .. "\r"
end

describe("a long paste at the prompt", function()
  local terminal

  before_each(function() terminal = prompt.open() end)
  after_each(function() terminal:close() end)

  it("of many lines runs each of them", function()
    terminal:type("list = {}\r" .. lines(300, "\tlist[%d] = 'grün 漢字 %d'") .. "#list, list[300], #table.concat(list)\r")
    terminal:expect '> #list, list[300], #table.concat(list)\n300     "grün 漢字 300" 4692\n>'
    prompt.leave(terminal)
  end)

  it("of an expression in many lines is one", function()
    terminal:type("list = {\r" .. lines(400, "\t{ name = 'item %d', number = %d },") .. "}\r#list\r")
    terminal:expect "> #list\n400\n>"
    prompt.leave(terminal)
  end)

  it("of one line is taken whole", function()
    terminal:type("#'" .. ("0123456789"):rep(1000) .. "'\r")
    terminal:expect "10000\n>"
    prompt.leave(terminal)
  end)

  it("is taken while a line runs", function()
    terminal:type("filo.sleep(0.2)\r" .. lines(200, "n = %d -- a comment that makes the line longer: %d") .. "n\r")
    terminal:expect "> n\n200\n>"
    prompt.leave(terminal)
  end)
end)
