---The socket in a running node's root, through which `filo put`, `filo status` or a prompt within it ask the node.
---
---Only processes of the same user may. One request at a time on a connection; a request ends when its asker goes, or says
---{cancel = true}. Who breaks the rules is cut off.
---
---  request   {call = name, ask = {...}, file = true when an open file follows}
---  answers   {event = {...}}, any number of them, then {result = ...} or {error = {code, message, ...}}

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local filo = require "filo"
local methods = require "filo.command.control.methods"
local wire = require "filo.command.control.wire"

local control = {}

---Where the socket of a root lies.
---@param root string
---@return string
function control.path(root) return root .. "/control" end

local function fields_of(err)
  if not errors.is(err) then return { code = "invalid", message = errors.text(err) } end
  return { code = err.code, message = err.message, key = err.key, receipt = err.receipt }
end

---Tells an asker, unless it has gone. Whoever has something to tell may do so at any time; one task writes.
local function tell(asker, message)
  local bytes, err = wire.pack(message)
  if not bytes then return nil, err end
  return asker.outbox:send(bytes)
end

local function write_all(asker)
  repeat
    local bytes = asker.outbox:receive()
  until not bytes or not asker.connection:write(bytes)
  asker.outbox:close()
end

---Runs one request; what a misuse raises goes back as an error, too.
local function answer(node, asker, request, file)
  local function emit(event) return tell(asker, { event = event }) end
  local call = methods[request.call]
  local ok, result, err
  if call then
    ok, result, err = pcall(call, node, type(request.ask) == "table" and request.ask or {}, emit, file, asker)
  else
    ok, result, err = true, errors.fail("unsupported", ("this node knows no call '%s'"):format(tostring(request.call)))
  end
  if file then file:close() end
  if not ok then result, err = nil, result end
  if result == nil then return tell(asker, { error = fields_of(err) }) end
  local told, problem = tell(asker, { result = result })
  if not told and problem.code == "too_large" then tell(asker, { error = fields_of(problem) }) end
end

local function interrupt(asker, running)
  if asker.evaluator then return asker.evaluator:interrupt() end
  running:cancel "interrupted"
end

---Connections whose askers wait for the end of the process, which closes them.
local left_open = {}

---Whatever runs when the asker goes is a child of this task, and ends with it.
local function serve_connection(node, connection, service)
  local running
  local asker = { connection = connection, outbox = filo.channel(), service = service }
  local _ <close> = at_end(function()
    asker.outbox:close()
    if asker.evaluator then asker.evaluator:close() end
    if not asker.waits_for_end then return connection:close() end
    left_open[#left_open + 1] = connection
  end)
  filo.spawn(write_all, asker)
  while true do
    local request = wire.receive(connection)
    if not request then return end
    local busy = running and running:status() ~= "ended"
    if request.cancel then
      if busy then interrupt(asker, running) end
    elseif busy then
      return
    else
      local file, err
      if request.file then file, err = connection:take() end
      if err then
        tell(asker, { error = fields_of(err) })
        return
      end
      running = filo.spawn(answer, node, asker, request, file)
    end
  end
end

---Listens at the socket until the node closes.
---@param node filo.Node
---@param service? filo.Service  what runs the node, when it may be asked to reload and to stop
---@return true?, filo.Error?
function control.serve(node, service)
  local listener, err = filo.listen("unix:" .. control.path(node.root))
  if not listener then return nil, err end
  node:spawn(function()
    local _ <close> = listener
    while true do
      local connection = listener:accept()
      if not connection then return end
      node:spawn(serve_connection, node, connection, service)
    end
  end)
  return true
end

return control
