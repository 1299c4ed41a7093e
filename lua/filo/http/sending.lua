---An answer on its way: its head, and then its content.

local date = require "filo.http.date"
local errors = require "filo.base.errors"
local host = require "filo.host.real"
local status = require "filo.http.status"

---Content up to this size goes in one piece with the head.
local TOGETHER = 1 << 14

local NEVER = { [204] = true, [304] = true }

local sending = {}

local function now() return host.time() // 1000000 end

local function part_sizes(answer)
  local size = 0
  for _, part in ipairs(answer.parts) do size = size + #(part.head or "") + part.last - part.first end
  return size
end

---How long the content is that goes out, or would: nil when that is not known.
local function size_of(answer, request)
  if NEVER[answer.status] then return nil end
  if not answer.content then return request and request.method == "HEAD" and answer.length or 0 end
  return answer.parts and part_sizes(answer) or answer.content.size or answer.length
end

---A head is put together in these: nobody waits meanwhile.
local names, lines = {}, {}

---Puts the names of headers in `names`, in order: there are few.
---@return integer count
local function sort_names(headers)
  local count = 0
  for name in pairs(headers) do
    local at = count
    while at > 0 and name < names[at] do
      names[at + 1] = names[at]
      at = at - 1
    end
    names[at + 1], count = name, count + 1
  end
  return count
end

---@return integer count  of what is in `lines` then
local function add_headers(count, headers)
  for i = 1, sort_names(headers) do
    local name = names[i]
    local value = headers[name]
    if type(value) ~= "table" then
      count = count + 1
      lines[count] = name .. ": " .. value .. "\r\n"
    else
      for _, each in ipairs(value) do
        count = count + 1
        lines[count] = name .. ": " .. each .. "\r\n"
      end
    end
  end
  return count
end

local first_lines = {} -- by status
for code = 200, 599 do first_lines[code] = ("HTTP/1.1 %d %s\r\n"):format(code, status.reason(code)) end

---@param answer filo.http.Answer
---@param request? filo.http.Request
---@return string
local function head_of(answer, request)
  local headers, size = answer.headers, size_of(answer, request)
  answer.chunked = answer.content ~= nil and not size and request ~= nil and request.minor > 0
  if size then headers["content-length"] = size end
  headers.date = headers.date or date.format(now())
  if answer.chunked then headers["transfer-encoding"] = "chunked" end
  if answer.content and not size and not answer.chunked then answer.close = true end
  if answer.close then headers.connection = "close" end
  if not answer.close and request and request.minor == 0 then headers.connection = "keep-alive" end
  lines[1] = first_lines[answer.status]
  local count = add_headers(1, headers)
  lines[count + 1] = "\r\n"
  return table.concat(lines, "", 1, count + 1)
end

local function next_of(content)
  local called, piece, err = errors.try(content.next)
  if not called then return nil, piece or "its content function raised nothing" end
  if piece ~= nil and type(piece) ~= "string" then return nil, ("its content function gave a %s, no string"):format(type(piece)) end
  return piece, err
end

local function write_piece(connection, piece, is_chunked)
  if piece == "" then return true end
  local ok, err = connection:write(is_chunked and ("%x\r\n"):format(#piece) .. piece .. "\r\n" or piece)
  if not ok then return nil, err end
  return connection:flush()
end

---What a function gives, as it comes, behind the head: as much as was said, where that was.
local function send_pieces(connection, answer)
  local left = answer.length or math.huge
  local ok, err = connection:flush()
  while ok do
    local piece
    piece, err = next_of(answer.content)
    if not piece then break end
    left = left - #piece
    if left < 0 then return nil, "its content function gave more than its content-length" end
    ok, err = write_piece(connection, piece, answer.chunked)
  end
  if err then return nil, err end
  if answer.length and left > 0 then return nil, "its content function gave less than its content-length" end
  return connection:write(answer.chunked and "0\r\n\r\n" or "")
end

local function send_parts(connection, answer)
  local content = answer.content
  for _, part in ipairs(answer.parts or { { first = 0, last = content.size } }) do
    local ok, err = connection:write(part.head or "")
    if ok and part.last > part.first then ok, err = content:send(connection, part.first, part.last) end
    if not ok then return nil, err end
  end
  return true
end

local function send_all(connection, answer, request)
  local head, content = head_of(answer, request), answer.content
  if not content or request and request.method == "HEAD" then return connection:write(head) end
  if content.text and #content.text <= TOGETHER and not answer.parts then return connection:write(head .. content.text) end
  local ok, err = connection:write(head)
  if not ok then return nil, err end
  if content.next then return send_pieces(connection, answer) end
  return send_parts(connection, answer)
end

---Sends it all, and closes its content. nil, err: the client has got a part at most.
---@param connection filo.core.Http
---@param answer filo.http.Answer
---@param request? filo.http.Request  none: what came was no request
---@return true?, any err
function sending.send(connection, answer, request)
  local _ <close> = answer.content
  local ok, err = send_all(connection, answer, request)
  if not ok then return nil, err end
  return connection:flush()
end

return sending
