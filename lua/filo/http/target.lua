---What a request is for: the target in its first line (RFC 9112 section 3.2). Paths stay as they came but for their escapes: nothing is
---made of ".", ".." and "//", for keys may be anything.

local target = {}

---@class filo.http.Target
---@field path string  with its escapes decoded
---@field raw_path string  as it came
---@field raw_query? string  what follows "?"
---@field authority? string  "host:port", of a target that is a URL

local function byte_of(digits) return string.char(tonumber(digits, 16)) end

---Decodes the escapes that are some, and keeps all else.
local function decode_all(text) return (text:gsub("%%(%x%x)", byte_of)) end

---@param text string
---@return string?  with its escapes decoded; nil: one is bad
---@return string? reason
function target.decode(text)
  for at in text:gmatch "()%%" do
    if not text:find("^%x%x", at + 1) then
      return nil, ("'%s' is a bad escape: two hex digits follow a %%"):format(text:sub(at, at + 2))
    end
  end
  return decode_all(text)
end

local NAME = "^[%w%%._~!$&'()*+,;=-]+$" -- of a host
local IN_BRACKETS = "^%[[%x:.]+%]$"

local function is_authority(text)
  local host, port = text:match "^(%[.*%])(.*)$"
  if not host then host, port = text:match "^([^:]*)(.*)$" end
  return (host:find(NAME) or host:find(IN_BRACKETS)) and (port == "" or port:find "^:%d*$")
end

local last_host = "" -- that was one: who asks for much asks it of the same

---Whether a Host field has what one may have: none is one, too.
---@param text string
---@return boolean
function target.is_host(text)
  if text == last_host or text == "" then return true end
  if not is_authority(text) then return false end
  last_host = text
  return true
end

---Which of them it is says nothing: whoever asks does so over the connection that he has.
local SCHEMES = { http = true, https = true }

---What is before the path of a URL, and the rest.
---@return string? authority
---@return string rest_or_reason
local function absolute(text)
  local scheme, authority, rest = text:match "^(%a[%w+.-]*)://([^/?]*)(.*)$"
  if not scheme then return nil, "a target begins with / or http://" end
  if not SCHEMES[scheme:lower()] then
    return nil, ("a target with the scheme '%s' is not served here: http and https are"):format(scheme)
  end
  if authority:find("@", 1, true) then return nil, "a target names no user before its host" end
  if not is_authority(authority) then return nil, "a target with http:// names a host, and maybe a port, before its path" end
  return authority, rest
end

---What of a target is wrong in any form.
---@return string? reason
local function problem_of(text)
  local other = text:match "[^\x21-\x7e]"
  if text == "" then return "the target is empty" end
  if other then return ("the target has a byte that is to be escaped: %%%02X"):format(other:byte()) end
  if text:find("#", 1, true) then return "a target has no fragment: # is to be escaped" end
  return nil
end

---@param text string
---@return filo.http.Target?
---@return string? reason  a sentence: what is wrong with it
function target.parse(text)
  if text:find "^/[%w%-._~/]*$" then return { path = text, raw_path = text } end -- as most are: there is nothing to look for
  local reason = problem_of(text)
  if reason then return nil, reason end
  if text == "*" then return { path = "*", raw_path = "*" } end
  local authority, rest = nil, text
  if text:sub(1, 1) ~= "/" then
    authority, rest = absolute(text)
    if not authority then return nil, rest end
  end
  local raw_path, mark, query = rest:match "^([^?]*)(%??)(.*)$"
  if raw_path == "" then raw_path = "/" end
  local path, problem = target.decode(raw_path)
  if not path then return nil, problem end
  return { path = path, raw_path = raw_path, raw_query = mark == "?" and query or nil, authority = authority }
end

---@param raw_path string
---@return string[]  what is between its slashes, decoded; none for a target that is no path
function target.segments(raw_path)
  local segments, count, has_escapes = {}, 0, raw_path:find("%", 1, true)
  for segment in raw_path:gmatch "/([^/]*)" do
    count = count + 1
    segments[count] = has_escapes and decode_all(segment) or segment
  end
  return segments
end

---Names and values as forms send them. A bad escape stays as it is.
---@param raw_query? string
---@return {[1]: string, [2]: string}[]  { name, value } of each, in their order
function target.query(raw_query)
  local list = {}
  for part in (raw_query or ""):gsub("+", " "):gmatch "[^&]+" do
    local name, value = part:match "^([^=]*)=?(.*)$"
    list[#list + 1] = { decode_all(name), decode_all(value) }
  end
  return list
end

---Escapes all but letters, digits and "-._~".
---@param text string
---@param kept? string  characters that stay, too: "/" for a path
---@return string
function target.encode(text, kept)
  return (text:gsub("[^A-Za-z0-9._~-]", function(char)
    return not (kept and kept:find(char, 1, true)) and ("%%%02X"):format(char:byte()) or nil
  end))
end

return target
