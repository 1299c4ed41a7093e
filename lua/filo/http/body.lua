---The body of a request, as it comes. Nothing of it is read before somebody asks, and no more than there is room for: the client waits.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local inside = require "filo.base.inside"

local MOST, PIECE = 1 << 20, 1 << 16

---@class filo.http.Body
---@field length? integer  bytes, where the client has said so before
local Body = {}
inside.seal(Body, "a body", { "length" })

local body = {}

---@param connection? filo.core.Http  none: there is no body
---@param head filo.core.HttpHead
---@return filo.http.Body
function body.new(connection, head)
  return inside.keep(setmetatable({}, Body), {
    connection = connection, length = not head.chunked and (head.length or 0) or nil, expects = head.expects, ended = not connection,
  })
end

---@param value any
---@return boolean
function body.is(value) return getmetatable(value) == Body end

---Tells the client that waits for it that it may send.
local function begin(parts)
  if not parts.expects then return true end
  parts.expects = false
  local ok, err = parts.connection:write "HTTP/1.1 100 Continue\r\n\r\n"
  if not ok then return nil, err end
  return parts.connection:flush()
end

local function next_piece(parts, most)
  if parts.ended then return nil end
  local ok, err = begin(parts)
  if not ok then return nil, err end
  local piece, problem = parts.connection:read(most)
  parts.ended = piece == nil and not problem
  return piece, problem
end

local function read_all(parts, most)
  local pieces, left = {}, most
  while true do
    local piece, err = next_piece(parts, PIECE)
    if err then return nil, err end
    if not piece then return table.concat(pieces) end
    left = left - #piece
    if left < 0 then return errors.fail("too_large", ("the body has more than %s"):format(format.bytes(most))) end
    pieces[#pieces + 1] = piece
  end
end

local function of(self, what)
  return inside.of(self) or error(("a body expected: is there a dot in place of the colon, as in body:%s()?"):format(what), 3)
end

---Up to n bytes, as they come; nil at the end. With "a" all of it, where these are not more than `most` (1 MiB): else `too_large`.
---@param n integer|"a"
---@param most? integer
---@return string?, filo.Error?
function Body:read(n, most)
  local parts = of(self, "read")
  if n == "a" then return read_all(parts, most or MOST) end
  if math.type(n) ~= "integer" or n < 1 then error('read: a number of bytes, 1 or more, or "a" expected', 2) end
  return next_piece(parts, n)
end

---Pieces as they come, for a `for` loop. A failure is raised.
---@return fun(): string?
function Body:chunks()
  local parts = of(self, "chunks")
  return function()
    local piece, err = next_piece(parts, PIECE)
    if err then error(err, 0) end
    return piece
  end
end

---All of it, on its way into a store, past Lua.
---@param self filo.http.Body
---@return filo.core.Deposit?, filo.Error?
function body.deposit(self, disk, plain, digest)
  local parts = inside.of(self)
  local ok, err = begin(parts)
  if not ok then return nil, err end
  local deposit
  deposit, err = disk:deposit(parts.length, plain, digest)
  if not deposit then return nil, err end
  if parts.ended then return deposit end
  ok, err = deposit:pull(parts.connection)
  if ok then return deposit end
  deposit:close()
  return nil, err
end

---Whether the client still waits to be asked for it.
---@param self filo.http.Body
---@return boolean
function body.is_held_back(self) return inside.of(self).expects end

---Reads what nobody wanted, up to so many bytes: whether that was the rest. A client that still waits to send is not asked to.
---@param self filo.http.Body
---@param most integer
---@return boolean
function body.drain(self, most)
  local parts = inside.of(self)
  if parts.expects then return false end
  while most > 0 do
    local piece, err = next_piece(parts, PIECE)
    if not piece then return not err end
    most = most - #piece
  end
  return false
end

return body
