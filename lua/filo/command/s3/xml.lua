---XML as S3 answers it. What is read is filo.core.xml's.

local xml = {}

local DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
local NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

local REPLACEMENT = "\u{fffd}"

---An element: its name, which attributes may follow, and what is in it, a text or more elements in their order; nil: nothing.
---@alias filo.s3.Element {[1]: string, [2]?: string|number|filo.s3.Element[]}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

---A control character, which a parser drops, changes or refuses as it is. S3 writes so what XML 1.0 cannot say at all, too.
local function reference(char) return ("&#x%X;"):format(utf8.codepoint(char)) end

---Bytes that are no UTF-8 become U+FFFD, each of them.
local function valid(text)
  local pieces, at = {}, 1
  while true do
    local ok, bad = utf8.len(text, at)
    pieces[#pieces + 1] = text:sub(at, not ok and bad - 1 or nil)
    if ok then return table.concat(pieces) end
    pieces[#pieces + 1] = REPLACEMENT
    at = bad + 1
  end
end

---@param text string
---@return string
function xml.escape(text)
  if not text:find "[^%w /._=:+-]" then return text end -- as most are
  if not utf8.len(text) then text = valid(text) end
  return (text:gsub('[&<>"]', ESCAPES):gsub("%c", reference):gsub("\xef\xbf[\xbe\xbf]", reference))
end

local function add(pieces, name, content)
  pieces[#pieces + 1] = "<" .. name .. (content == nil and "/>" or ">")
  if content == nil then return end
  if type(content) ~= "table" then
    pieces[#pieces + 1] = xml.escape(tostring(content))
  else
    for _, child in ipairs(content) do add(pieces, child[1], child[2]) end
  end
  pieces[#pieces + 1] = "</" .. (name:match "^(%S+) " or name) .. ">"
end

local function document(name, children)
  local pieces = { DECLARATION }
  add(pieces, name, children)
  return table.concat(pieces)
end

---@param name string  of the root
---@param children filo.s3.Element[]
---@return string
function xml.document(name, children) return document(('%s xmlns="%s"'):format(name, NAMESPACE), children) end

---The same without a namespace, as errors are told.
---@param name string
---@param children filo.s3.Element[]
---@return string
function xml.bare(name, children) return document(name, children) end

return xml
