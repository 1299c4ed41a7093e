---What a body of an answer is made of: a string, an object, a file, or a function that gives strings. Of all but a function any part can be
---sent, so that ranges can.

local errors = require "filo.base.errors"
local file = require "filo.host.file"
local files = require "filo.core.files"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local net = require "filo.core.net"

---@class filo.http.Content
---@field size? integer  bytes; nil: that is not known before
---@field kind string  its media type, unless the answer says otherwise
---@field etag? string
---@field modified? integer  seconds since 1970
---@field text? string  all of it, where that is short
---@field next? fun(): string?, any  of a function
---@field send? fun(self: filo.http.Content, connection: filo.core.Http, first: integer, last: integer): true?, filo.Error?  bytes [first,
---  last)
---@field close fun(self: filo.http.Content)

local BINARY, TEXT = "application/octet-stream", "text/plain; charset=utf-8"

---Bytes of an object that are sent with the head.
local SHORT = 1 << 16

local content = {}

local Text = { kind = TEXT }
Text.__index = Text
function Text:send(connection, first, last) return connection:write(self.text:sub(first + 1, last)) end
function Text:close() end -- luacheck: no unused args
Text.__close = Text.close

local function of_string(text) return setmetatable({ size = #text, text = text }, Text) end

local Pieces = { kind = BINARY }
Pieces.__index = Pieces
function Pieces:close() end -- luacheck: no unused args
Pieces.__close = Pieces.close

local function of_function(fn) return setmetatable({ next = fn }, Pieces) end

local Object = { kind = BINARY }
Object.__index = Object
function Object:send(connection, first, last) return self.parts:send(connection, first, last) end
function Object:close() self.object:close() end
Object.__close = Object.close

---What a version of an object is compared by in conditions.
---@param version integer
---@return filo.http.Validators
function content.validators(version) return { etag = ('"%x"'):format(version), modified = version // 1000000 } end

---Also where some of it has been read.
local function whole(object, parts)
  if parts.position > 0 then return object:range(0, parts.size) end
  return object:read "a"
end

local function of_object(object, parts)
  local text, err
  if parts.size <= SHORT then text, err = whole(object, parts) end
  if err then
    object:close()
    return nil, err
  end
  local validators = content.validators(parts.version)
  return setmetatable({
    object = object, parts = parts, text = text, size = parts.size, etag = validators.etag, modified = validators.modified,
  }, Object)
end

local File = { kind = BINARY }
File.__index = File
function File:send(connection, first, last) return connection:send(self.opened, first, last) end
function File:close() self.opened:close() end
File.__close = File.close

local function of_file(given)
  if given.descriptor then return errors.fail("unsupported", given.path .. " was passed open: files are sent by their path") end
  local seen, err = files.look(given.path, true)
  if not seen then return nil, err end
  if seen.kind ~= "f" then return errors.fail("invalid", format.printable(given.path) .. " is no regular file") end
  local opened
  opened, err = net.open(given.path)
  if not opened then return nil, err end
  return setmetatable({
    opened = opened, size = seen.size, modified = seen.modified, etag = ('"%x-%x-%x"'):format(seen.modified, seen.nanoseconds, seen.size),
  }, File)
end

---Whether a value can be a body.
---@param value any
---@return boolean
function content.is(value)
  if type(value) == "string" or type(value) == "function" or file.is(value) then return true end
  local parts = inside.of(value)
  return type(parts) == "table" and parts.send ~= nil
end

---@param value any
---@return filo.http.Content?, filo.Error?
function content.of(value)
  if type(value) == "string" then return of_string(value) end
  if type(value) == "function" then return of_function(value) end
  if file.is(value) then return of_file(value) end
  return of_object(value, inside.of(value))
end

return content
