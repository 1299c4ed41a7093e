---The body of a request, as it comes. Nothing of it is read before somebody asks, and no more than there is room for: the client waits.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local net = require "filo.core.net"

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
    connection = connection, source = connection, length = not head.chunked and (head.length or 0) or nil,
    expects = connection ~= nil and head.expects, ended = not connection, count = 0, busy = false,
  })
end

---@param value any
---@return boolean
function body.is(value) return getmetatable(value) == Body end

local CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n"

---Tells the client that it may send, though there is no body. It could do without (RFC 9110 section 10.1.1), but botocore takes the answer
---that it gets in place of this for that of its next request, too.
---@param connection filo.core.Http
function body.go_on(connection) return connection:write(CONTINUE) end

---Tells the client that waits for it that it may send.
local function begin(parts)
  if not parts.expects then return true end
  parts.expects = false
  local ok, err = parts.connection:write(CONTINUE)
  if not ok then return nil, err end
  return parts.connection:flush()
end

---One task at a time, until the end of the scope.
local function occupy(parts)
  parts.busy = true
  return at_end(function() parts.busy = false end)
end

local function take(parts, most)
  local _ <close> = occupy(parts)
  local ok, err = begin(parts)
  if not ok then return nil, err end
  local piece, problem = parts.source:read(most)
  parts.ended = piece == nil and not problem
  parts.count = parts.count + #(piece or "")
  return piece, problem
end

local function next_piece(parts, most)
  if parts.over then return errors.fail("closed", parts.over) end
  if parts.ended then return nil end
  return take(parts, most)
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
  local parts = inside.of(self) or error(("a body expected: is there a dot in place of the colon, as in body:%s()?"):format(what), 3)
  if parts.busy and not parts.over then error(what .. ": another task reads this body", 3) end
  return parts
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
  of(self, "chunks")
  return function()
    local parts = of(self, "chunks")
    local piece, err = next_piece(parts, PIECE)
    if err then error(err, 0) end
    return piece
  end
end

---All that is read from now on, in whatever way, has passed a sieve; so has what is stored. Raises when something has been read before.
---@param self filo.http.Body
---@param plan filo.core.SievePlan
---@return true?, filo.Error?
function body.sift(self, plan)
  local parts = of(self, "sift")
  if parts.over or parts.count > 0 or parts.sieve or parts.ended and parts.connection then
    error("sift: something of this body has been read already", 2)
  end
  local sieve, err = net.sieve(parts.connection, plan)
  if not sieve then return nil, err end
  parts.sieve, parts.source, parts.length, parts.ended = sieve, sieve, plan.length, false
  return true
end

---The sieve of a body that has come whole.
local function sieve_of(self, what)
  local parts = inside.of(self)
  if not parts.sieve then error(what .. ": this body was not sifted, or its request has been answered", 3) end
  if not parts.ended then error(what .. ": this body has not come whole", 3) end
  return parts.sieve
end

---Once all was read, or is stored: the digests that the plan has asked for.
---@param self filo.http.Body
---@return table<string, string>  raw bytes by names
function body.digests(self) return sieve_of(self, "digests"):digests() end

---The same: what came behind the content.
---@param self filo.http.Body
---@return table<string, string>  values by names in lower case
function body.trailers(self) return sieve_of(self, "trailers"):trailers() end

local function pull(parts, deposit)
  local ok, err = deposit:pull(parts.source)
  parts.ended = ok
  if not ok then deposit:close() end
  return ok and deposit, err
end

---What of it has not been read, on its way into a store, past Lua.
---@param self filo.http.Body
---@return filo.core.Deposit?, filo.Error?
function body.deposit(self, disk, plain, digest)
  local parts = inside.of(self)
  if parts.busy then error("another task reads this body", 0) end
  if parts.over or parts.ended and parts.source then return errors.fail("closed", parts.over or "the body has been read already") end
  local _ <close> = occupy(parts)
  local ok, err = begin(parts)
  if not ok then return nil, err end
  local deposit
  deposit, err = disk:deposit(parts.length and parts.length - parts.count, plain, digest)
  if not deposit then return nil, err end
  parts.over = "the body has gone into a store already"
  if not parts.source then return deposit end
  local _ <close> = at_end(function(problem) return problem and deposit:close() end)
  return pull(parts, deposit)
end

---Before the answer begins, within which nothing else may be said to the client: whether it waits still to be asked for the body, and then
---never is.
---@param self filo.http.Body
---@param is_read boolean  the answer may be made of it
---@return boolean
function body.hold_back(self, is_read)
  local parts = inside.of(self)
  if is_read and not parts.over then begin(parts) end
  if parts.expects then body.finish(self) end
  return parts.expects
end

---The request has been answered: what comes now is not of this body.
---@param self filo.http.Body
function body.finish(self)
  local parts = inside.of(self)
  parts.over = "the request has been answered: its body is gone"
  if parts.sieve then parts.sieve:close() end
  parts.sieve, parts.source = nil, parts.connection
end

---Reads what nobody wanted, up to so many bytes: whether that was the rest. A client that still waits to send is not asked to, and a task
---that still reads is not disturbed.
---@param self filo.http.Body
---@param most integer
---@return boolean
function body.drain(self, most)
  local parts = inside.of(self)
  if parts.expects or parts.busy then return false end
  if parts.ended then return true end
  while most > 0 do
    local piece, err = take(parts, PIECE)
    if not piece then return not err end
    most = most - #piece
  end
  return false
end

return body
