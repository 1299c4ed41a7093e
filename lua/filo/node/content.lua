---Where content to be stored comes from: a string, a function, a file by name, an open file.

local errors = require "filo.base.errors"

local source = { EXPECTED = "the content must be a string, a function, filo.file(path) or an open file" }

---@class filo.File
---@field path string
---@field descriptor? userdata
local File = {}
File.__index = File
function File:__tostring() return "file " .. self.path end

---A file by name: regular files are read by all cores; pipes and devices until they end; "-" is standard input.
---@param path string
---@param descriptor? userdata  the open file itself, as `raw:take()` gives it; path is then only its name in messages
---@return filo.File
function source.file(path, descriptor)
  if type(path) ~= "string" or path == "" then error("file: a path expected", 2) end
  return setmetatable({ path = path, descriptor = descriptor }, File)
end

---Writes what a function gives, up to nil.
---@return true?, filo.Error?
function source.write(deposit, next_piece)
  while true do
    local piece, err = next_piece()
    if err then return nil, err end
    if piece == nil then return true end
    if type(piece) ~= "string" then error("the content function must return strings, not a " .. type(piece), 0) end
    local ok
    ok, err = deposit:write(piece)
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

---Whether it is something that can be stored.
function source.is_content(content)
  return type(content) == "string" or type(content) == "function" or getmetatable(content) == File or io.type(content) == "file"
end

---Starts sealing content. Gives a deposit to finish and publish, and the source's modification time where it has one.
---@return userdata?, integer|filo.Error?
function source.deposit(disk, content, plain, digest)
  if type(content) == "string" then return from_string(disk, content, plain, digest) end
  if type(content) == "function" then return from_function(disk, content, plain, digest) end
  if getmetatable(content) == File then return disk:deposit_file(content.path, plain, digest, content.descriptor) end
  return from_function(disk, function() return content:read(65536) end, plain, digest)
end

return source
