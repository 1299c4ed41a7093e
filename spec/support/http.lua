---A client of HTTP that sends what it is told to, byte by byte, and takes answers apart. And servers to try it on.
---
---    local server <close> = http.serve(function(request) return request.path end)
---    local client <close> = http.dial(server)
---    client:send "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
---    local answer = client:answer()               -- answer.status, answer.headers, answer.body
---    answer = client:ask("PUT", "/o", { body = "abc", headers = { Range = "bytes=0-1" } })

local assert = require "luassert"
local filo = require "filo"

local SECONDS = 10

local http = {}

---@class spec.HttpClient
---@field seconds? number  for which it waits for more
local Client = {}
Client.__index = Client

---A server on a free port that keeps its log in `server_log`, which is given second.
---@param handler function
---@param given? table  options of filo.http.serve; and address
function http.serve(handler, given)
  local options, log = {}, {}
  for name, value in pairs(given or {}) do options[name] = value end
  local address = options.address or "127.0.0.1:0"
  options.address = nil
  options.log = options.log or function(level, text) log[#log + 1] = level .. ": " .. text end
  return assert(filo.http.serve(address, handler, options)), log
end

---@param server {address: string}|string
---@return spec.HttpClient
function http.dial(server)
  local address = type(server) == "string" and server or server.address
  return setmetatable({ raw = assert(filo.dial(address)), held = "" }, Client)
end

---One request on a connection of its own.
function http.ask(server, ...)
  local client <close> = http.dial(server)
  return client:ask(...)
end

function Client:send(bytes)
  assert(self.raw:write(bytes))
  assert(self.raw:flush())
end

---What comes next: false at the end of the connection, whose error is kept.
local function more(self)
  local bytes, err = self.raw:read(65536, self.seconds or SECONDS)
  if bytes then
    self.held = self.held .. bytes
    return true
  end
  if err.code == "timeout" then error("nothing more comes from the server; so far: " .. self.held:sub(1, 200), 0) end
  self.ended = err.code
  return false
end

---Up to and with `mark`; nil: the connection has ended before.
function Client:up_to(mark)
  while true do
    local _, last = self.held:find(mark, 1, true)
    if last then
      local text = self.held:sub(1, last)
      self.held = self.held:sub(last + 1)
      return text
    end
    if not more(self) then return nil end
  end
end

---That many bytes; second true: the connection has ended before.
function Client:bytes(count)
  local pieces, left = {}, count
  while true do
    local piece = self.held:sub(1, left)
    self.held = self.held:sub(left + 1)
    pieces[#pieces + 1], left = piece, left - #piece
    if left == 0 then return table.concat(pieces) end
    if not more(self) then return table.concat(pieces), true end
  end
end

---All that comes until the server ends the connection.
function Client:rest()
  local pieces = {}
  repeat
    pieces[#pieces + 1] = self.held
    self.held = ""
  until not more(self)
  return table.concat(pieces)
end

---Waits for the end, before which nothing may come; gives how it came: "closed", or "unreachable" of a reset.
function Client:end_of()
  assert.equal("", self:rest())
  return self.ended
end

---Waits for the end, which has to be a reset: more was to come.
function Client:end_of_cut()
  self:rest()
  assert.equal("unreachable", self.ended)
end

local function read_head(self)
  local head = self:up_to "\r\n\r\n"
  if not head then return nil end
  local minor, status, reason, lines = head:match "^HTTP/1%.(%d) (%d%d%d) ([^\r\n]*)\r\n(.*)\r\n$"
  assert(status, "no head of an answer: " .. head)
  local answer = { status = tonumber(status), reason = reason, minor = tonumber(minor), headers = {}, head = head }
  for line in lines:gmatch "(.-)\r\n" do
    local name, value = line:match "^([%w-]+): (.*)$"
    assert(name, "no header field: " .. line)
    name = name:lower()
    assert.is_nil(answer.headers[name], name .. " comes twice")
    answer.headers[name] = value
  end
  return answer
end

local function read_chunks(self)
  local pieces = {}
  while true do
    local line = self:up_to "\r\n"
    if not line then return table.concat(pieces), true end
    local size = tonumber(assert(line:match "^(%x+)\r\n$", "no size of a chunk: " .. line), 16)
    local piece, cut = self:bytes(size + 2)
    pieces[#pieces + 1] = piece:sub(1, size)
    if cut then return table.concat(pieces), true end
    assert.equal("\r\n", piece:sub(-2))
    if size == 0 then return table.concat(pieces) end
  end
end

local function read_body(self, answer, method)
  local length, status = answer.headers["content-length"], answer.status
  if method == "HEAD" or status < 200 or status == 204 or status == 304 then return "" end
  if answer.headers["transfer-encoding"] then
    assert.is_nil(length, "a length beside chunks")
    return read_chunks(self)
  end
  if length then return self:bytes(tonumber(length)) end
  local rest = self:rest()
  return rest, self.ended ~= "closed"
end

---The next answer: status, reason, headers by lower-case names, body; cut: it is not whole. nil: the connection has ended.
---@param method? string  of the request
function Client:answer(method)
  local answer = read_head(self)
  if answer then answer.body, answer.cut = read_body(self, answer, method) end
  return answer
end

---The text of a request.
---@param given? {headers?: table, body?: string, minor?: integer}
function http.text(method, target, given)
  given = given or {}
  local lines = { ("%s %s HTTP/1.%d\r\n"):format(method, target, given.minor or 1) }
  local headers = { Host = "filo.test" }
  if given.body then headers["Content-Length"] = #given.body end
  for name, value in pairs(given.headers or {}) do headers[name] = value end
  for name, value in pairs(headers) do lines[#lines + 1] = ("%s: %s\r\n"):format(name, value) end
  return table.concat(lines) .. "\r\n" .. (given.body or "")
end

function Client:ask(method, target, given)
  self:send(http.text(method, target, given))
  return self:answer(method)
end

function Client:get(target, headers) return self:ask("GET", target, { headers = headers }) end

function Client:close() self.raw:close() end

Client.__close = Client.close

return http
