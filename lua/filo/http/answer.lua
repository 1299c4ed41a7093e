---What a handler gives, made an answer: { status, headers, content }.

local content = require "filo.http.content"
local date = require "filo.http.date"
local errors = require "filo.base.errors"
local status = require "filo.http.status"

---@class filo.http.Answer
---@field status integer
---@field headers table<string, string>  names in lower case
---@field content? filo.http.Content
---@field length? integer  of the content, as the handler gave it
---@field close? boolean  no other request comes on this connection

---The status that tells of a failure: the same call may succeed in a while, or it cannot.
local OF_CODES = {
  invalid = 400, denied = 403, not_found = 404, exists = 409, too_large = 413, unsupported = 501, no_space = 507, timeout = 504,
  busy = 503, closed = 503, unreachable = 503, not_enough_copies = 503, locked = 503,
}

local FIELDS = { status = true, headers = true, body = true }

---Statuses of answers that end with their head.
local BARE = { [204] = true, [205] = true, [304] = true }

---Headers that the server itself looks at.
local ONE = {
  ["accept-ranges"] = true, connection = true, ["content-length"] = true, ["content-type"] = true, date = true, etag = true,
  ["last-modified"] = true,
}

local answer = {}

local function misused(text, ...) error("the handler gave " .. text:format(...), 0) end

---Names and values that would end a line early are refused: whoever sends them could forge another answer.
local function check_name(name)
  if type(name) ~= "string" then misused("a table of headers with a key that is no string") end
  if name == "" or name:find "[^%w!#$%%&'*+%-.^_`|~]" then misused("the header %q, which is no name of one", name) end
  if name:lower() == "transfer-encoding" then misused "the header 'transfer-encoding', which is the server's to set" end
end

local function line_of(name, value)
  if name:lower() == "last-modified" and type(value) == "number" then return date.format(value // 1 | 0) end
  if math.type(value) == "integer" then return tostring(value) end
  if type(value) == "string" and not value:find "[\0-\8\10-\31\127]" then return value end
  misused("the header '%s' with a value that is no line of text", name)
end

local function value_of(name, value)
  if type(value) ~= "table" then return line_of(name, value) end
  if ONE[name:lower()] then misused("the header '%s' with a list, of which there is one", name) end
  local lines = {}
  for i, each in ipairs(value) do lines[i] = line_of(name, each) end
  return lines
end

local function headers_of(given)
  local headers = {}
  if given ~= nil and type(given) ~= "table" then misused("a %s as headers", type(given)) end
  for name, value in pairs(given or {}) do
    check_name(name)
    if headers[name:lower()] then misused("the header '%s' twice", name:lower()) end
    headers[name:lower()] = value_of(name, value)
  end
  return headers
end

---@param code integer  a status
---@param text? string  why, for people
---@return filo.http.Answer
function answer.plain(code, text)
  local reason = status.reason(code)
  return { status = code, headers = {}, content = content.of((text or reason) .. "\n") }
end

---@param err filo.Error|string
---@return filo.http.Answer
function answer.of_error(err)
  if not errors.is(err) then return answer.plain(500, errors.text(err)) end
  local made = answer.plain(OF_CODES[err.code] or 500, err.message)
  if err.retryable then made.headers["retry-after"] = "5" end
  return made
end

---Takes the length out of the headers: of ranges, and of what is not sent, it is another.
local function take_length(made)
  local text = made.headers["content-length"]
  made.headers["content-length"] = nil
  if not text then return end
  made.length = text:find "^%d+$" and math.tointeger(tonumber(text)) or misused("the content-length '%s', which is none", text)
  local size = made.content and made.content.size
  if not size or size == made.length then return end
  made.content:close()
  misused("the content-length %d with a body of %d bytes", made.length, size)
end

local function of_table(given)
  for name in pairs(given) do
    if not FIELDS[name] then misused("a table with the unknown field '%s': known are status, headers, body", tostring(name)) end
  end
  local code = given.status or (given.body ~= nil and 200 or 204)
  if math.type(code) ~= "integer" or code < 200 or code > 599 then misused "a status that is none: 200 to 599 are" end
  if BARE[code] and given.body ~= nil then misused("a body with the status %d, which has none", code) end
  if given.body ~= nil and not content.is(given.body) then misused("a %s as a body", type(given.body)) end
  local made = { status = code, headers = headers_of(given.headers) }
  if given.body ~= nil then
    local opened, err = content.of(given.body)
    if not opened then return answer.of_error(err) end
    made.content = opened
  end
  take_length(made)
  return made
end

---A body by itself.
local function of_body(given)
  local opened, err = content.of(given)
  return opened and { status = 200, headers = {}, content = opened } or answer.of_error(err)
end

local function of_status(code)
  return of_table { status = code, body = not BARE[code] and status.reason(code) .. "\n" or nil }
end

---A status, a body, or a table of both with headers; or nil and an error, as calls of Filo give it; nothing at all is 204.
---@param given any
---@param err? any
---@return filo.http.Answer
function answer.of(given, err)
  if given == nil and err ~= nil then return answer.of_error(err) end
  if given == nil then return of_table { status = 204 } end
  if math.type(given) == "integer" then return of_status(given) end
  if content.is(given) then return of_body(given) end
  if type(given) == "table" then return of_table(given) end
  misused("a %s", type(given))
end

return answer
