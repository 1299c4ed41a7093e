---What `get` gives: content to read, in order or anywhere, verified and decrypted on the way.

local errors = require "filo.base.errors"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local options = require "filo.base.options"

local READ_SIZE = 1 << 18 -- pieces that stay in the cache

---An object to read: its content is verified and decrypted on the way. May be a `<close>` variable.
---@class filo.Object
---@field key string
---@field size integer  bytes of content
---@field version integer  microseconds since 1970, or more
---@field modified? integer  the source's modification time, seconds since 1970
---@field fields? table  the user's own fields
---@field etag? string  what stands for the content, as who stored it said
---@field from string  "here", or "peers"
---@field unheard string[]  IDs of connected peers that were not asked, or had not answered: one may have something newer
local Object = {}
inside.seal(Object, "an object", { "key", "size", "version", "modified", "fields", "encrypted", "from", "unheard", "stamp", "etag" })

---Puts a good source in the place of a bad one, unless another read has done so meanwhile; false and an error when there is none.
local function replace_source(self, bad, err)
  if self.source ~= bad then return true end
  local source, problem
  if self.heal and (err.code == "corrupt" or err.code == "io") then source, problem = self.heal(err) end
  if self.closed or self.source ~= bad then
    if source then source:close() end
    return not self.closed, err
  end
  self.heal = nil
  if not source then return false, problem or err end
  if self.sequential then self.sequential:close() end
  self.sequential = nil
  bad:close()
  self.source = source
  return true
end

---Sends bytes [first, last) over a connection of HTTP; what has gone when a source fails does not go again from the next.
---@param parts table  what is behind an object
---@param connection filo.core.Http
---@return true?, filo.Error?
local function send(parts, connection, first, last)
  if parts.closed then return errors.fail("closed", "the object is closed") end
  while true do
    local source = parts.source
    local ok, err, broken, sent = connection:send(assert(source:reader(first, last)))
    if ok then return true end
    local replaced, problem
    if not broken then replaced, problem = replace_source(parts, source, err) end
    if not replaced then return nil, problem or err end
    first = first + (sent or 0)
  end
end

---What of the content has not been read goes into a deposit, past Lua; that has failed where this fails. `again`: another one may go well,
---since a good source has taken the place of a bad one.
---@param parts table  what is behind an object
---@param deposit filo.core.Deposit
---@return true?, filo.Error?
---@return boolean? again
local function pour(parts, deposit)
  if parts.closed then return errors.fail("closed", "the object is closed") end
  local source = parts.source
  local ok, err, is_source = deposit:pull(assert(source:reader(parts.position, parts.size)))
  if ok then return true end
  if not is_source then return nil, err, false end
  local replaced, problem = replace_source(parts, source, err)
  return nil, problem or err, replaced
end

---All of it counts as read.
local function pass(parts)
  if parts.sequential then parts.sequential:close() end
  parts.sequential, parts.position = nil, parts.size
end

---source: an object or a partial of the core, with its content key set. info: what is known of it, a table that is taken. It is noted in
---`handed_out` until it is closed. heal(err), where given, finds another good source of the same version when this one turns out to be bad,
---or cannot be read; or gives nil, and perhaps an error that says more.
---@return filo.Object
local function new(source, info, handed_out, heal)
  info.source, info.heal, info.position, info.handed_out = source, heal, 0, handed_out
  info.send, info.pour, info.pass = send, pour, pass
  return handed_out:add(inside.keep(setmetatable({}, Object), info))
end

---What is behind an object: key, size, source, position. Misuse is an error at the line of the caller, `level` functions up.
local function parts_of(self, level)
  local object = inside.of(self)
  if not object then error("an object expected: is there a dot in place of the colon, as in object:read()?", level + 1) end
  return object
end

local function open(self)
  local object = parts_of(self, 3)
  if object.closed then error("the object is closed", 3) end
  return object
end

---The next piece in order, of at most `most` bytes; nil at the end.
local function next_piece(self, most)
  while true do
    local source = self.source
    self.sequential = self.sequential or assert(source:reader(self.position, self.size))
    local piece, err = self.sequential:read(math.min(most, READ_SIZE))
    if piece then self.position = self.position + #piece end
    if piece or not err then return piece end
    local replaced, problem = replace_source(self, source, err)
    if not replaced then return nil, problem end
  end
end

---All that is left, when nothing has been read yet and it can be had without waiting.
local function take_whole(self)
  if self.position > 0 or self.sequential then return nil end
  local bytes = self.source:content()
  self.position = bytes and #bytes or 0
  return bytes
end

---Joins pieces of up to `limit` bytes in all.
local function collect(next_of, limit)
  local parts, left = {}, limit
  while left > 0 do
    local part, err = next_of(left)
    if err then return nil, err end
    if not part then break end
    parts[#parts + 1] = part
    left = left - #part
  end
  return table.concat(parts)
end

---The next n bytes (fewer at the end, nil after it), or with "a" all that is left (also none: "").
---@param n integer|"a"
---@return string?, filo.Error?
function Object:read(n)
  local object = open(self)
  local all = n == nil or n == "a" or n == "*a"
  if not all and (math.type(n) ~= "integer" or n < 1) then
    error('read: a number of bytes, 1 or more, or "a" expected', 2)
  end
  local whole = all and take_whole(object)
  if whole then return whole end
  local bytes, err = collect(function(most) return next_piece(object, most) end, all and math.maxinteger or n)
  if err then return nil, err end
  return (all or bytes ~= "") and bytes or nil
end

local function read_range(object, offset, last)
  local from <close> = assert(object.source:reader(offset, last))
  return collect(function(most) return from:read(math.min(most, READ_SIZE)) end, last - offset)
end

---`count` bytes from `offset` on (0 is the first); fewer at the end of the content.
---@param offset integer
---@param count integer
---@return string?, filo.Error?
function Object:range(offset, count)
  local object = open(self)
  if math.type(offset) ~= "integer" or math.type(count) ~= "integer" or offset < 0 or count < 0 then
    error("range: an offset and a count of bytes, both 0 or more, expected", 2)
  end
  local last = offset + count
  if last < offset or last > object.size then last = object.size end
  if offset >= last then return "" end
  local source = object.source
  local bytes, err = read_range(object, offset, last)
  if not err then return bytes end
  local replaced, problem = replace_source(object, source, err)
  if replaced then return read_range(object, offset, last) end
  return nil, problem
end

---Pieces of the content in order, for a `for` loop. A failure is raised.
---@return fun(): string?
function Object:chunks()
  open(self)
  return function()
    local piece, err = next_piece(inside.of(self), READ_SIZE) -- the loop holds the object: else it might be collected, and closed
    if err then error(err, 0) end
    return piece
  end
end

local SAVE_RULES = {
  sparse = { type = "boolean" },
  mode = { type = "integer", check = function(mode) return (mode < 0 or mode > 511) and "must be permission bits, 0 to 511" or nil end },
}

local function save_source(object, path, how)
  local from <close> = assert(object.source:reader(0, object.size))
  return from:save(path, how.sparse, how.mode)
end

---Writes all content to a file. It appears under its name only when it is whole and flushed to disk; a file of that name is replaced,
---also where the name is a symbolic link. A device, a pipe or a terminal is written to as it is; so is "/dev/stdout".
---With sparse = true, blocks of zeros in a file become holes, which take no room. `mode`: its permission bits, such as tonumber("600", 8),
---from the moment that it appears; what the umask of the process leaves when it is left out.
---@param path string
---@param given? {sparse?: boolean, mode?: integer}
---@return true?, filo.Error?
function Object:save(path, given)
  local object = open(self)
  if type(path) ~= "string" or path == "" then error("save: a path expected", 2) end
  local how = options.check("save", given, SAVE_RULES, 2)
  local source = object.source
  local ok, err, replaceable = save_source(object, path, how)
  if replaceable then
    local replaced, problem = replace_source(object, source, err)
    if replaced then ok, err = save_source(object, path, how) else err = problem end
  end
  if ok then return true end
  return nil, errors.wrap(err, "cannot save to " .. path, { key = object.key })
end

---Ends reading. Also done by `local object <close>`, and when it is collected, which closes its source.
function Object:close()
  local object = parts_of(self, 2)
  if object.sequential then object.sequential:close() end
  if not object.closed then object.source:close() end
  object.closed = true
  object.handed_out:remove(self)
end

Object.__close = Object.close

function Object:__tostring() return ("object %q, %s"):format(self.key or "?", format.count(self.size, "byte", "bytes")) end

return new
