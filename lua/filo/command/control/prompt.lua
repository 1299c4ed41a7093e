---A prompt or a script within a running node: what command/attach.lua asks it, over its socket.

local errors = require "filo.base.errors"
local filo = require "filo"
local limits = require "filo.host.limits"

local prompt = {}

---What is printed goes in pieces that fit into a message.
local PIECE = 1 << 20

local function print_there(emit, texts, separator, last)
  for i = 1, texts.n do texts[i] = tostring(texts[i]) end
  local text = table.concat(texts, separator) .. last
  for at = 1, #text, PIECE do emit { print = text:sub(at, at + PIECE - 1) } end
end

---`os.exit` ends who asks, and with that what it asked: not the node.
local function leave(emit, status)
  emit { exit = status }
  filo.sleep(math.huge)
end

---What lines of a prompt find: the node, the process's globals, and what they have set. What they print goes to who asks.
local function globals_of(node, emit)
  local globals = { node = node, io = setmetatable({}, { __index = io }) }
  function globals.print(...) print_there(emit, table.pack(...), "\t", "\n") end
  local output = {}
  function output:write(...)
    print_there(emit, table.pack(...), "", "")
    return self
  end
  function globals.io.write(...) return output:write(...) end
  return setmetatable(globals, { __index = _G })
end

local function evaluator_of(asker, node, emit, plain)
  if not asker.evaluator then
    local new_evaluator = require "filo.prompt.evaluator" -- most nodes never have a prompt
    asker.evaluator = new_evaluator(globals_of(node, emit), {
      plain = plain, limit = limits.compute, exit = function(status) leave(emit, status) end,
    })
  end
  return asker.evaluator
end

---An evaluation goes on when its asker interrupts it, to say what came of it: it is the line that is interrupted.
function prompt.evaluate(node, asked, emit, _, asker)
  if type(asked.source) ~= "string" or math.type(asked.number) ~= "integer" then return errors.fail("invalid", "no line came") end
  local state, text = evaluator_of(asker, node, emit, asked.plain):evaluate(asked.source, asked.number)
  return { state = state, text = text }
end

---The arguments as Lua has them, with the script's name at 0.
local function arguments_of(asked)
  local arguments = { [0] = asked.name }
  for i, each in ipairs(asked.arguments) do arguments[i] = each end
  return arguments
end

---Runs a script.
function prompt.run(node, asked, emit, _, asker)
  if type(asked.source) ~= "string" or type(asked.chunk) ~= "string" or type(asked.arguments) ~= "table" then
    return errors.fail("invalid", "no script came")
  end
  local state, text = evaluator_of(asker, node, emit, asked.plain):run(asked.source, asked.chunk, arguments_of(asked))
  return { state = state, text = text }
end

function prompt.complete(node, asked, emit, _, asker)
  if type(asked.text) ~= "string" then return errors.fail("invalid", "no text came") end
  local insert, names = evaluator_of(asker, node, emit, false):complete(asked.text)
  return { insert = insert, names = names }
end

return prompt
