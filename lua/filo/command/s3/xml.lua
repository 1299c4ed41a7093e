---XML as S3 answers it. What is read is filo.core.xml's.

local xml = {}

local DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
local NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"

local REPLACEMENT = "\u{fffd}"

---An element: its name, which attributes may follow, and what is in it, a text or more elements in their order; nil: nothing.
---@alias filo.s3.Element {[1]: string, [2]?: string|number|filo.s3.Element[]}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function reference(char) return ("&#x%X;"):format(utf8.codepoint(char)) end

---Control characters, which a parser drops, changes or refuses as they are. S3 writes so what XML 1.0 cannot say at all, too.
for byte = 0, 0x7f do
  local char = string.char(byte)
  if char:find "%c" then ESCAPES[char] = reference(char) end
end

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
  if not text:find '[&<>"%c\x80-\xff]' then return text end -- as most are
  if not utf8.len(text) then text = valid(text) end
  text = text:gsub('[&<>"%c]', ESCAPES)
  return text:find("\xef\xbf", 1, true) and text:gsub("\xef\xbf[\xbe\xbf]", reference) or text -- U+FFFE and U+FFFF
end

---What begins and ends an element, by its name: there are few, in many elements.
local begins, ends = {}, {}

local function make_tags(name)
  begins[name], ends[name] = "<" .. name .. ">", "</" .. name:match "^%S+" .. ">"
end

local function add(pieces, name, content)
  if not begins[name] then make_tags(name) end
  local count = #pieces
  if content == nil then
    pieces[count + 1] = "<" .. name .. "/>"
    return
  end
  pieces[count + 1] = begins[name]
  if type(content) == "table" then
    for _, child in ipairs(content) do add(pieces, child[1], child[2]) end
    count = #pieces - 2
  else
    pieces[count + 2] = xml.escape(tostring(content))
  end
  pieces[count + 3] = ends[name]
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
