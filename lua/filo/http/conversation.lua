---One client: its requests, one after the other, and what is answered.

local answers = require "filo.http.answer"
local at_end = require "filo.host.at_end"
local body = require "filo.http.body"
local date = require "filo.http.date"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local partial = require "filo.http.partial"
local requests = require "filo.http.request"
local sending = require "filo.http.sending"

---Bytes of a body that nobody wanted, up to which they are read, so that the connection can go on.
local LEFT_MOST = 1 << 18

---Failures that may be the client's doing.
local OF_CLIENT = { unreachable = true, timeout = true, closed = true }

---@class filo.http.Conversation
---@field connection filo.core.Http
---@field answering boolean  a request has come that is not answered yet
local Conversation = {}
Conversation.__index = Conversation

---@param given {connection: filo.core.Http, handler: function, secure: boolean, log: function, server: {closing: boolean}}
---@return filo.http.Conversation
local function new(given)
  given.answering, given.remote = false, given.connection:remote()
  return setmetatable(given, Conversation)
end

---With what a handler's error needs to be found; a cancellation stays what it is.
local function explain(err)
  if errors.is_cancelled(err) then return err end
  return { text = debug.traceback(errors.text(err), 2), err = err }
end

---For the log.
local function name_of(request) return request.method .. " " .. format.printable(request.raw_path) end

local function answer_of(handler, request) return answers.of(handler(request)) end

local function call(self, request)
  local ok, made = xpcall(answer_of, explain, self.handler, request)
  if ok then return made end
  if errors.is_cancelled(made) then error(made, 0) end
  self.log("error", ("%s failed: %s"):format(name_of(request), made.text))
  return answers.plain(500, "the server failed: its log says why")
end

---Sets what the content says of itself, where the answer says nothing.
local function complete(answer)
  local content, headers = answer.content, answer.headers
  if not content then return end
  headers["content-type"] = headers["content-type"] or content.kind
  headers.etag = headers.etag or content.etag
  local said = headers["last-modified"]
  if said then
    answer.modified = date.parse(said)
  elseif content.modified then
    answer.modified, headers["last-modified"] = content.modified, date.format(content.modified)
  end
end

---What was no request at all.
local function refuse(self, code, why)
  local answer = answers.plain(code, why)
  complete(answer)
  answer.close = true
  sending.send(self.connection, answer)
  return false
end

local function is_close(connection) return connection ~= nil and connection:lower() == "close" end

---The client's failures end the connection, other ones what the answer is made of.
local function is_of_client(self, err) return errors.is(err) and OF_CLIENT[err.code] and not self.connection:flush() end

---Calls the handler, which may write into the request what it likes: the client has asked for the same.
local function answer_to(self, request)
  local method, minor, keep_alive, headers = request.method, request.minor, request.keep_alive, request.headers
  local answer = call(self, request)
  request.method, request.minor, request.keep_alive, request.headers = method, minor, keep_alive, headers
  complete(answer)
  partial.apply(answer, request)
  return answer
end

local function respond(self, request)
  local came = requests.has_body(request) and request:body()
  local _ <close> = came and at_end(function() body.finish(came) end)
  local answer = answer_to(self, request)
  local is_held_back = came and body.hold_back(came, answer.content ~= nil and answer.content.next ~= nil)
  answer.close = is_close(answer.headers.connection) or not request.keep_alive or self.server.closing or is_held_back
  if request.expects and not came then body.go_on(self.connection) end
  local ok, err = sending.send(self.connection, answer, request)
  if ok then
    if came then body.finish(came) end
    return not answer.close and (not came or body.drain(came, LEFT_MOST))
  end
  if not is_of_client(self, err) then
    self.log("error", ("the answer to %s is cut: %s"):format(name_of(request), errors.text(err)))
  end
  self.connection:abort()
  return false
end

local function go_on(self)
  local head, err, code = self.connection:request()
  if not head then return err and code and code > 0 and refuse(self, code, err.message) or false end
  self.answering = true
  local request, reason = requests.new(self.connection, head, self.remote, self.secure)
  if not request then return refuse(self, 400, reason) end
  local more = respond(self, request)
  self.answering = false
  return more and not self.server.closing
end

---Until the client, or the server, has enough; who closes the connection then.
function Conversation:run()
  while go_on(self) do end
end

return new
