---A prompt within a running node: what command/attach.lua asks it, over its socket.

local errors = require "filo.base.errors"
local limits = require "filo.host.limits"
local new_evaluator = require "filo.prompt.evaluator"

local prompt = {}

---What is printed goes in pieces that fit into a message.
local PIECE = 1 << 20

---What lines of a prompt find: the node, the process's globals, and what they have set.
local function globals_of(node, emit)
  local globals = { node = node }
  function globals.print(...)
    local texts = table.pack(...)
    for i = 1, texts.n do texts[i] = tostring(texts[i]) end
    local text = table.concat(texts, "\t") .. "\n"
    for at = 1, #text, PIECE do emit { print = text:sub(at, at + PIECE - 1) } end
  end
  return setmetatable(globals, { __index = _G })
end

local function evaluator_of(asker, node, emit, plain)
  if not asker.evaluator then
    asker.evaluator = new_evaluator(globals_of(node, emit), { plain = plain, limit = limits.compute })
  end
  return asker.evaluator
end

---An evaluation goes on when its asker interrupts it, to say what came of it: it is the line that is interrupted.
function prompt.evaluate(node, asked, emit, _, asker)
  if type(asked.source) ~= "string" or math.type(asked.number) ~= "integer" then return errors.fail("invalid", "no line came") end
  local state, text = evaluator_of(asker, node, emit, asked.plain):evaluate(asked.source, asked.number)
  return { state = state, text = text }
end

function prompt.complete(node, asked, emit, _, asker)
  if type(asked.text) ~= "string" then return errors.fail("invalid", "no text came") end
  local insert, names = evaluator_of(asker, node, emit, false):complete(asked.text)
  return { insert = insert, names = names }
end

return prompt
