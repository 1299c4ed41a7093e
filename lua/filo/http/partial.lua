---An answer to a request that asks for less than all: under a condition, or in ranges (RFC 9110, sections 13 and 14).

local conditional = require "filo.http.conditional"
local crypto = require "filo.core.crypto"
local range = require "filo.http.range"

---@class filo.http.Part
---@field head? string  what stands before it
---@field first integer  of the content
---@field last integer  the first that is not among it

local partial = {}

local function without_content(answer, status)
  answer.content:close()
  answer.content, answer.length, answer.status = nil, nil, status
  answer.headers["content-type"] = nil
end

local function one_range(answer, only)
  answer.status = 206
  answer.headers["content-range"] = range.content(only[1], only[2], answer.content.size)
  answer.parts = { { first = only[1], last = only[2] } }
end

---As multipart/byteranges.
local function many_ranges(answer, ranges)
  local boundary = crypto.hex(crypto.random(12))
  local kind, size = answer.headers["content-type"], answer.content.size
  answer.status, answer.parts = 206, {}
  for i, each in ipairs(ranges) do
    answer.parts[i] = {
      first = each[1], last = each[2],
      head = ("\r\n--%s\r\nContent-Type: %s\r\nContent-Range: %s\r\n\r\n"):format(boundary, kind, range.content(each[1], each[2], size)),
    }
  end
  answer.parts[#answer.parts + 1] = { first = 0, last = 0, head = ("\r\n--%s--\r\n"):format(boundary) }
  answer.headers["content-type"] = "multipart/byteranges; boundary=" .. boundary
end

local function take_ranges(answer, request, validators)
  local asked, only_if = request.headers.range, request.headers["if-range"]
  if not asked or request.method ~= "GET" or only_if and not conditional.range_holds(only_if, validators) then return end
  local ranges = range.parse(asked, answer.content.size)
  if ranges == false then
    answer.headers["content-range"] = range.unsatisfied(answer.content.size)
    return without_content(answer, 416)
  end
  if not ranges then return end
  if #ranges == 1 then one_range(answer, ranges[1]) else many_ranges(answer, ranges) end
end

local function asks_for_less(headers)
  return headers.range or headers["if-none-match"] or headers["if-match"] or headers["if-modified-since"] or headers["if-unmodified-since"]
end

---Of a whole answer, status 200, what the request asks for.
---@param answer filo.http.Answer
---@param request filo.http.Request
function partial.apply(answer, request)
  local content = answer.content
  if answer.status ~= 200 or not content or request.method ~= "GET" and request.method ~= "HEAD" then return end
  if content.size then answer.headers["accept-ranges"] = answer.headers["accept-ranges"] or "bytes" end
  if not asks_for_less(request.headers) then return end
  local validators = { etag = answer.headers.etag, modified = answer.modified }
  local status = conditional.check(request.method, request.headers, validators)
  if status then return without_content(answer, status) end
  if content.size and answer.headers["accept-ranges"] == "bytes" then take_ranges(answer, request, validators) end
end

return partial
