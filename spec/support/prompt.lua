---The prompt on a pseudo-terminal, and the keys that one types there.

local new_terminal = require "spec.support.terminal"

local prompt = {
  INTERRUPT = "\3", END = "\4", TAB = "\t", CLEAR = "\21", UP = "\27[A", LEFT = "\27[D", HOME = "\1", BACKSPACE = "\127",
  ESCAPE = "\27", SEARCH = "\18",
}

---A prompt that waits for a line. Options: arguments after -i, and those of a terminal.
function prompt.open(options)
  local given = { "-i", table.unpack(options or {}) }
  for name, value in pairs(options or {}) do
    if type(name) == "string" then given[name] = value end
  end
  local terminal = new_terminal(given)
  terminal:expect(">")
  return terminal
end

---Ctrl-D: it ends well, and the terminal is as it was.
function prompt.leave(terminal)
  terminal:type(prompt.END)
  local status, restored = terminal:wait()
  assert(status == 0, "the prompt ended with " .. tostring(status))
  assert(restored, "the terminal was not restored")
end

return prompt
