---A prompt or a script within a running node, `filo --attach`: an evaluator as in prompt/evaluator.lua, reached through the socket in its
---root.
---
---Lines find the node as `node`; what they set stays with this prompt, what they print comes here, also when they have ended.

local Client = require "filo.command.control.client"
local errors = require "filo.base.errors"
local filo = require "filo"
local runtime = require "filo.core.runtime"
local wire = require "filo.command.control.wire"

---@class filo.RemoteEvaluator
local Remote = {}
Remote.__index = Remote

---Takes what the node says until it has ended.
local function listen(self)
  while true do
    local message, err = wire.receive(self.client.connection)
    if message and message.event then
      io.stdout:write(message.event.print or "")
      io.stdout:flush()
      self.status = message.event.exit
      if self.status and self.waiting then runtime.wake(self.waiting) end
    else
      self.answer, self.lost = message, err
      if self.waiting then runtime.wake(self.waiting) end
      if err then return end
    end
  end
end

---@return table?, string? problem
local function ask(self, call, arguments)
  self.answer, self.waiting = nil, runtime.current()
  local ok, err = nil, self.lost
  if not err then ok, err = wire.send(self.client.connection, { call = call, ask = arguments }) end
  while ok and not self.answer and not self.lost and not self.status do runtime.suspend() end
  if self.status then os.exit(self.status, true) end
  self.waiting, self.lost = nil, self.lost or err
  if self.lost then return nil, "the node has ended, or has cut this prompt off: " .. errors.text(self.lost) end
  if self.answer.error then return nil, self.answer.error.message end
  return self.answer.result
end

---@return "done"|"failed"|"incomplete" state
---@return string? text
function Remote:evaluate(source, number)
  local answer, problem = ask(self, "evaluate", { source = source, number = number, plain = self.plain })
  if not answer then return "failed", problem end
  return answer.state, answer.text
end

---Runs a script there.
---@param chunk {source: string, chunk: string, name: string, arguments: string[]}
---@return "done"|"failed" state
---@return string? text
function Remote:run(chunk)
  local answer, problem = ask(self, "run", {
    source = chunk.source, chunk = chunk.chunk, name = chunk.name, arguments = table.move(chunk.arguments, 1, #chunk.arguments, 1, {}),
    plain = self.plain,
  })
  if not answer then return "failed", problem end
  return answer.state, answer.text
end

---@return string insert
---@return string[] names
function Remote:complete(text)
  local answer = ask(self, "complete", { text = text })
  if not answer then return "", {} end
  return answer.insert, answer.names
end

function Remote:interrupt() self.client:interrupt() end

function Remote:close()
  self.listener:cancel()
  pcall(self.listener.join, self.listener) -- it may not have begun to read
  self.client:close()
end

---@param root string
---@param plain boolean
---@return filo.RemoteEvaluator?, filo.Error?
return function(root, plain)
  local client, err = Client.open(root)
  if not client then return nil, err end
  local self = setmetatable({ client = client, plain = plain }, Remote)
  self.listener = filo.spawn(listen, self)
  return self
end
