---Where content to be stored comes from: a string, a function, a file by name, an open file, objects, the body of a request of HTTP.

local at_end = require "filo.host.at_end"
local body = require "filo.http.body"
local errors = require "filo.base.errors"
local file = require "filo.host.file"
local inside = require "filo.base.inside"

local source = {
  EXPECTED = "the content must be a string, a function, filo.file(path), an open file, an object, a list of objects or the body of "
    .. "a request",
}

---What is behind an object; nil: the value is none.
local function parts_of(value)
  local parts = inside.of(value)
  return type(parts) == "table" and parts.pour and parts or nil
end

---@param piece string|filo.Object  of which what has not been read goes past Lua
---@return true?, filo.Error?
local function write_piece(deposit, piece)
  if type(piece) == "string" then return deposit:write(piece) end
  local parts = parts_of(piece) or error("the content function must return strings or objects, not a " .. type(piece), 0)
  local ok, err = parts:pour(deposit)
  if ok then parts:pass() end
  return ok, err
end

---Writes what a function gives, up to nil.
---@return true?, filo.Error?
function source.write(deposit, next_piece)
  while true do
    local piece, err = next_piece()
    if err then return nil, err end
    if piece == nil then return true end
    local ok
    ok, err = write_piece(deposit, piece)
    if not ok then return nil, err end
  end
end

local function from_function(disk, next_piece, plain, digest)
  local deposit, err = disk:deposit(nil, plain, digest)
  if not deposit then return nil, err end
  local called, ok, problem = pcall(source.write, deposit, next_piece)
  if called and ok then return deposit end
  deposit:close()
  if not called then
    if errors.is_cancelled(ok) then error(ok, 0) end
    return errors.fail("io", "the content function failed: " .. errors.text(ok))
  end
  return nil, errors.is(problem) and problem or errors.new("io", errors.text(problem))
end

local function from_string(disk, content, plain, digest)
  local deposit, err = disk:deposit(#content, plain, digest)
  if not deposit then return nil, err end
  local ok
  ok, err = deposit:write(content)
  if ok then return deposit end
  deposit:close()
  return nil, err
end

---What is behind an object, or behind each of a list of them, which is not empty.
---@return table[]?  nil: the value is no such thing
local function objects_of(value)
  local one = parts_of(value)
  if one then return { one } end
  if type(value) ~= "table" or getmetatable(value) or not value[1] then return nil end
  local list = {}
  for i = 1, #value do
    list[i] = parts_of(value[i])
    if not list[i] then return nil end
  end
  return list
end

---A deposit with all of them; second what is wrong, and whether another try may go well.
local function pour_all(disk, objects, plain, digest)
  local size = 0
  for _, each in ipairs(objects) do size = size + each.size - each.position end
  local deposit, err = disk:deposit(size, plain, digest)
  if not deposit then return nil, err end
  local _ <close> = at_end(function(problem) return problem and deposit:close() end)
  for _, each in ipairs(objects) do
    local ok, problem, again = each:pour(deposit)
    if not ok then
      deposit:close()
      return nil, problem, again
    end
  end
  return deposit
end

local function from_objects(disk, objects, plain, digest)
  local deposit, err, again
  repeat deposit, err, again = pour_all(disk, objects, plain, digest) until not again
  if not deposit then return nil, err end
  for _, each in ipairs(objects) do each:pass() end
  return deposit
end

---Whether it is something that can be stored.
function source.is_content(content)
  return type(content) == "string" or type(content) == "function" or file.is(content) or body.is(content)
    or io.type(content) == "file" or objects_of(content) ~= nil
end

---Content that is read, perhaps several times. A file may change meanwhile; what it looked like before its first byte was read, and after
---the last, tells. Pipes, functions, strings and objects are read once.
---@class filo.Reading
---@field seen? filo.core.Seen  before it was read the last time; nil: that says nothing
---@field fresh? boolean  it was changed just before that, and may change once more without looking different
local Reading = {}
Reading.__index = Reading

---@param host filo.Host
---@return filo.Reading
function source.reading(host, disk, content)
  local self = setmetatable({ host = host, disk = disk, content = content }, Reading)
  if io.type(content) == "file" and host.store.seen(content) then self.start = content:seek() end
  return self
end

---Whether the file was changed in this very tick of its file system's clock.
local function is_fresh(self)
  local limits, changed = self.host.limits, self.seen.changed
  local age = math.abs(self.host.time() / 1000000 - changed) -- of the future: it will look different, too
  return age < (changed % 1 == 0 and limits.coarse_tick or limits.tick)
end

local function begin(self, plain, digest)
  local content, disk = self.content, self.disk
  if type(content) == "string" then return from_string(disk, content, plain, digest) end
  if type(content) == "function" then return from_function(disk, content, plain, digest) end
  if body.is(content) then return body.deposit(content, disk, plain, digest) end
  local objects = objects_of(content)
  if objects then return from_objects(disk, objects, plain, digest) end
  if file.is(content) then
    local deposit, seen = disk:deposit_file(content.path, plain, digest, content.descriptor)
    if deposit then self.seen = seen end
    return deposit, seen
  end
  if self.start then content:seek("set", self.start) end
  self.seen = self.start and self.host.store.seen(content)
  return from_function(disk, function() return content:read(65536) end, plain, digest)
end

---Starts sealing the content, from its beginning. Gives a deposit to finish and publish.
---@return filo.core.Deposit?, filo.Error?
function Reading:deposit(plain, digest)
  local deposit, err = begin(self, plain, digest)
  self.fresh = self.seen and is_fresh(self)
  if not deposit or not self.fresh then return deposit, err end
  deposit:close()
  self.host.sleep(self.host.limits.tick)
  deposit, err = begin(self, plain, digest)
  self.fresh = self.seen and is_fresh(self)
  return deposit, err
end

---Whether the file has changed since it began to be read.
---@param deposit filo.core.Deposit
---@return boolean
function Reading:changed(deposit)
  if not self.seen then return false end
  local now
  if self.start then now = self.host.store.seen(self.content) else now = deposit:seen() end
  return now == nil or now.stamp ~= self.seen.stamp
end

---What is to be remembered of the file, of which nothing has changed, to know it again; nil when it may yet change without looking
---different.
---@return string?
function Reading:stamp() return self.seen and not self.fresh and self.seen.stamp or nil end

return source
