---Forms as browsers send them with a file (RFC 7578): the fields, and then the file, as it comes.

local errors = require "filo.base.errors"

---Bytes of all fields, and of the lines before one.
local FIELDS_MOST, HEAD_MOST = 64 << 10, 4 << 10

local PIECE = 1 << 16

---@class filo.s3.Form
---@field fields table<string, string>  by names in lower case
---@field file? fun(): string?, filo.Error?  gives pieces; nil: there is none
---@field file_name? string
local form = {}

local function bad(text) return errors.fail("invalid", "the form makes no sense: " .. text) end

---@class filo.s3.FormReading
---@field body filo.http.Body
---@field buffer string  what was read, and not used yet
---@field mark string  what ends a part

---More of the body.
---@return true?, filo.Error?
local function fill(self)
  local piece, err = self.body:read(PIECE)
  if err then return nil, err end
  if not piece then return bad "it ends too early" end
  self.buffer = self.buffer .. piece
  return true
end

---What comes before a text, which is used up, too.
---@return string?, filo.Error?
local function take_until(self, text, most)
  while true do
    local first, last = self.buffer:find(text, 1, true)
    if first then
      local taken = self.buffer:sub(1, first - 1)
      self.buffer = self.buffer:sub(last + 1)
      return taken
    end
    if #self.buffer > most then return bad "a field is too long" end
    local ok, err = fill(self)
    if not ok then return nil, err end
  end
end

---Whether another part follows a mark.
---@return boolean?, filo.Error?
local function has_more(self)
  while #self.buffer < 2 do
    local ok, err = fill(self)
    if not ok then return nil, err end
  end
  local sign = self.buffer:sub(1, 2)
  self.buffer = self.buffer:sub(3)
  if sign == "\r\n" or sign == "--" then return sign == "\r\n" end
  return bad "something follows a boundary"
end

local function names_of(head)
  local line = ("\r\n" .. head .. "\r\n"):match "\r\n[Cc][Oo][Nn][Tt][Ee][Nn][Tt]%-[Dd][Ii][Ss][Pp][Oo][Ss][Ii][Tt][Ii][Oo][Nn]:([^\r\n]*)"
  local name = line and (line:match '[;%s]name="([^"]*)"' or line:match '[;%s]name=([^";%s]+)')
  return name, line and line:match 'filename="([^"]*)"'
end

---Gives the file piece by piece; what may be the beginning of the mark is held back.
local function pieces_of(self)
  local ended = false
  return function()
    while not ended do
      local first = self.buffer:find(self.mark, 1, true)
      local safe = first and first - 1 or #self.buffer - #self.mark
      ended = first ~= nil
      if safe > 0 then
        local piece = self.buffer:sub(1, safe)
        self.buffer = self.buffer:sub(safe + 1)
        return piece
      end
      local ok, err = true, nil
      if not ended then ok, err = fill(self) end
      if not ok then return nil, err end
    end
    return nil
  end
end

---Reads up to the file, or the end.
---@param request filo.http.Request
---@return filo.s3.Form?, filo.Error?
function form.read(request)
  local kind = request.headers["content-type"] or ""
  local boundary = kind:lower():find "^multipart/form%-data" and (kind:match 'boundary="([^"]+)"' or kind:match "boundary=([^;%s]+)")
  if not boundary or #boundary > 200 then return bad "it is no multipart/form-data with a boundary" end
  local self = { body = request:body(), buffer = "\r\n", mark = "\r\n--" .. boundary }
  local made, bytes = { fields = {} }, 0
  local taken, err = take_until(self, self.mark, HEAD_MOST)
  if not taken then return nil, err end
  while true do
    local more, problem = has_more(self)
    if problem then return nil, problem end
    if not more then return made end
    local head, wrong = take_until(self, "\r\n\r\n", HEAD_MOST)
    if not head then return nil, wrong end
    local name, file_name = names_of(head)
    if not name then return bad "a part has no name" end
    if name:lower() == "file" then
      made.file, made.file_name = pieces_of(self), file_name
      return made
    end
    local value
    value, wrong = take_until(self, self.mark, FIELDS_MOST)
    if not value then return nil, wrong end
    bytes = bytes + #name + #value
    if bytes > FIELDS_MOST then return bad "its fields are too long" end
    made.fields[name:lower()] = value
  end
end

return form
