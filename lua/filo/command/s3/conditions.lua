---Requests that are to be carried out under a condition only, and what S3 answers where it does not hold.

local conditional = require "filo.http.conditional"
local etag = require "filo.command.s3.etag"
local failure = require "filo.command.s3.failure"
local range = require "filo.http.range"

local conditions = {}

local NAMES = { "if-match", "if-none-match", "if-modified-since", "if-unmodified-since" }

---Tags without their quotes are taken, too.
local function quoted(value) return value and (value:gsub("^%s*([%x-]+)%s*$", '"%1"')) end

---@param headers table<string, string>
---@param prefix string  of their names
local function taken(headers, prefix)
  local found = {}
  for _, name in ipairs(NAMES) do found[name] = headers[prefix .. name] end
  found["if-match"], found["if-none-match"] = quoted(found["if-match"]), quoted(found["if-none-match"])
  return found
end

local function validators_of(item)
  return { etag = etag.quoted(item), modified = item.version // 1000000 }
end

---@param request filo.http.Request  its tags get their quotes: the server looks at them once more
---@param item table  as `stat` gives it, or an object
---@return table? failure
function conditions.check(request, item)
  local found = taken(request.headers, "")
  request.headers["if-match"], request.headers["if-none-match"] = found["if-match"], found["if-none-match"]
  local status = conditional.check(request.method, found, validators_of(item))
  if status == 412 then return failure.of "PreconditionFailed" end
  if not status then return nil end
  local answer = failure.of "NotModified"
  answer.headers.ETag, answer.headers["Last-Modified"] = etag.quoted(item), item.version // 1000000
  return answer
end

---The same of what is copied.
---@return table? failure
function conditions.check_source(request, item)
  local status = conditional.check("GET", taken(request.headers, "x-amz-copy-source-"), validators_of(item))
  return status and failure.of "PreconditionFailed" or nil
end

---Whether some of an object is there that a request asks for.
---@param request filo.http.Request
---@param size integer
---@return table? failure
function conditions.check_range(request, size)
  local asked = request.headers.range
  if not asked or range.parse(asked, size) ~= false then return nil end
  local answer = failure.of "InvalidRange"
  answer.headers["Content-Range"] = range.unsatisfied(size)
  return answer
end

---The version that a change is made over: what `expected` takes, nil where there is no condition.
---@param call filo.s3.Call
---@return integer|false|nil
---@return table? failure
function conditions.expected(call)
  local headers = call.request.headers
  local match, none_match = quoted(headers["if-match"]), quoted(headers["if-none-match"])
  if none_match == "*" then return false end
  if not match and not none_match then return nil end
  local item, err = call.node:stat(call.name)
  if not item and (match or err.code ~= "not_found") then return nil, failure.from(err) end
  if not item then return false end
  local tag = etag.quoted(item)
  if match and match ~= "*" and match ~= tag or none_match == tag then return nil, failure.of "PreconditionFailed" end
  return item.version
end

return conditions
