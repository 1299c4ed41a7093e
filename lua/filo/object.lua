---What `get` gives: content to read, in order or anywhere, verified and decrypted on the way.

local errors = require "filo.errors"

local READ_SIZE = 1 << 20

---@class filo.Object
---@field key string
---@field size integer  bytes of content
---@field version integer  microseconds since 1970, or more
---@field modified? integer  the source's modification time, seconds since 1970
---@field fields? table  the user's own fields
---@field from string  "here", or "peers"
local Object = {}
Object.__index = Object

---source: an object or a partial of the core, with its content key set.
---@return filo.Object
local function new(source, info)
  local self = setmetatable({ source = source }, Object)
  for name, value in pairs(info) do self[name] = value end
  return self
end

local function reader(self)
  if self.closed then error("the object is closed", 3) end
  if not self.sequential then self.sequential = assert(self.source:reader(0, self.size)) end
  return self.sequential
end

---Reads up to `limit` bytes as one string.
local function collect(from, limit)
  local parts, left = {}, limit
  while left > 0 do
    local part, err = from:read(math.min(left, READ_SIZE))
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
  if n == nil or n == "a" or n == "*a" then return collect(reader(self), math.huge) end
  if math.type(n) ~= "integer" or n < 1 then error('read: a number of bytes, 1 or more, or "a" expected', 2) end
  local bytes, err = collect(reader(self), n)
  if err then return nil, err end
  return bytes ~= "" and bytes or nil
end

---`count` bytes from `offset` on (0 is the first); fewer at the end of the content.
---@param offset integer
---@param count integer
---@return string?, filo.Error?
function Object:range(offset, count)
  if self.closed then error("the object is closed", 2) end
  if math.type(offset) ~= "integer" or math.type(count) ~= "integer" or offset < 0 or count < 0 then
    error("range: an offset and a count of bytes, both 0 or more, expected", 2)
  end
  local last = offset + count
  if last < offset or last > self.size then last = self.size end
  if offset >= last then return "" end
  local from <close> = assert(self.source:reader(offset, last))
  return collect(from, last - offset)
end

---Pieces of the content in order, for a `for` loop. A failure is raised.
---@return fun(): string?
function Object:chunks()
  local from = reader(self)
  return function()
    local piece, err = from:read(READ_SIZE)
    if err then error(err, 0) end
    return piece
  end
end

---Writes all content to a file. It appears under its name only when it is whole; a file of that name is replaced.
---@param path string
---@return true?, filo.Error?
function Object:save(path)
  if self.closed then error("the object is closed", 2) end
  local draft = path .. ".filo-new"
  local from <close> = assert(self.source:reader(0, self.size))
  local ok, err = from:save(draft)
  if ok then
    local renamed, problem = os.rename(draft, path)
    if renamed then return true end
    err = errors.new("io", ("cannot write %s: %s"):format(path, problem))
  end
  os.remove(draft)
  return nil, errors.wrap(err, "cannot save to " .. path, { key = self.key })
end

---Ends reading. Also done by the garbage collector, and by `local object <close>`.
function Object:close()
  if self.sequential then self.sequential:close() end
  if not self.closed then self.source:close() end
  self.closed = true
end

Object.__close = Object.close
Object.__gc = Object.close

function Object:__tostring() return ("object %q, %d bytes"):format(self.key or "?", self.size) end

return new
