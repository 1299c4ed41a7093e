---Values as text for people, the same text each time.
---
---Tables with sorted keys, within limits and with cycles named; strings quoted and cut, binary ones as hex; objects by their __tostring,
---but for those whose fields say more, as their metatables tell (__fields). Metamethods are called for nothing else.

local format = require "filo.base.format"

local DEFAULTS = {
  depth = 5,    -- tables within one another
  items = 100,  -- of one table
  total = 1000, -- values in all
  text = 1000,  -- bytes of a string
  binary = 64,  -- bytes of a binary string
  width = 80,   -- columns that a table on one line may take
}

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat return then true until
  while]]):gmatch "%a+" do KEYWORDS[word] = true end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

-- Strings ---------------------------------------------------------------------------------------------------------------

---Bytes that a terminal would obey rather than show.
local function has_controls(text) return text:find "[\0-\8\11\12\14-\31\127]" or text:find "\xc2[\x80-\x9f]" end

---At most a number of bytes, without half a character at the end.
local function cut(text, limit)
  if #text <= limit then return text end
  local stop = limit
  while stop > 0 and stop > limit - 4 and text:byte(stop + 1) & 0xc0 == 0x80 do stop = stop - 1 end
  return text:sub(1, stop)
end

local function hex(text) return (text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)) end

local function show_binary(text, limit)
  local piece = text:sub(1, limit)
  return ("<%s %s%s>"):format(format.count(#text, "byte", "bytes"), hex(piece), #piece < #text and "..." or "")
end

local function show_string(text, limits)
  local piece = cut(text, limits.text)
  if has_controls(piece) or not utf8.len(piece) then return show_binary(text, limits.binary) end
  local quoted = '"' .. piece:gsub('["\\\n\t\r]', ESCAPES) .. '"'
  if #piece == #text then return quoted end
  return ("%s... (%s)"):format(quoted, format.count(#text, "byte", "bytes"))
end

-- What shows itself -------------------------------------------------------------------------------------------------------

local function metafield(value, name)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and rawget(meta, name) or nil
end

---The text that an object gives of itself; nil when it has none.
local function own_text(value)
  local kind = type(value)
  if kind ~= "table" and kind ~= "userdata" or metafield(value, "__tostring") == nil then return nil end
  if metafield(value, "__fields") then return nil end
  local ok, text = pcall(tostring, value)
  if not ok then return ("%s whose __tostring fails"):format(kind) end
  return (text:gsub("[\0-\8\11-\31\127]", "?"))
end

local function show_function(value)
  local info = debug.getinfo(value, "S")
  if info.what == "C" then return "<function>" end
  return ("<function %s:%d>"):format(info.short_src, info.linedefined)
end

-- Tables ----------------------------------------------------------------------------------------------------------------

local RANKS = { number = 1, string = 2, boolean = 3 }

local function comes_before(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a ~= kind_b then
    local rank_a, rank_b = RANKS[kind_a] or 4, RANKS[kind_b] or 4
    return rank_a < rank_b or rank_a == rank_b and kind_a < kind_b
  end
  if kind_a == "number" or kind_a == "string" then return a < b end
  return kind_a == "boolean" and not a and b
end

---The keys that are not of the sequence from 1 to `count`, sorted.
local function other_keys(value, count)
  local keys = {}
  for key in next, value do
    local in_sequence = math.type(key) == "integer" and key >= 1 and key <= count
    if not in_sequence then keys[#keys + 1] = key end
  end
  table.sort(keys, comes_before)
  return keys
end

local function sequence_length(value)
  local count = 0
  while rawget(value, count + 1) ~= nil do count = count + 1 end
  return count
end

local show

local function show_key(state, key, indent)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" and not KEYWORDS[key] then return key end
  return "[" .. show(state, key, indent) .. "]"
end

local function is_full(state, shown) return shown >= state.limits.items or state.left <= 0 end

---The entries as texts, the last one saying how many more there are.
local function entries(state, value, indent)
  local list = {}
  local count = sequence_length(value)
  local keys = other_keys(value, count)
  for i = 1, count do
    if is_full(state, #list) then break end
    list[#list + 1] = show(state, rawget(value, i), indent)
  end
  for _, key in ipairs(keys) do
    if is_full(state, #list) then break end
    list[#list + 1] = show_key(state, key, indent) .. " = " .. show(state, rawget(value, key), indent)
  end
  local more = count + #keys - #list
  if more > 0 then list[#list + 1] = ("... %d more"):format(more) end
  return list
end

local function layout(list, indent, width)
  local line = "{ " .. table.concat(list, ", ") .. " }"
  if #indent + #line <= width and not line:find "\n" then return line end
  local inner = "\n" .. indent .. "  "
  return "{" .. inner .. table.concat(list, "," .. inner) .. "\n" .. indent .. "}"
end

local function show_table(state, value, indent)
  if state.within[value] then return "<cycle>" end
  if next(value) == nil then return "{}" end
  if state.depth >= state.limits.depth then return "{ ... }" end
  state.within[value], state.depth = true, state.depth + 1
  local list = entries(state, value, indent .. "  ")
  state.within[value], state.depth = nil, state.depth - 1
  return layout(list, indent, state.limits.width)
end

function show(state, value, indent)
  state.left = state.left - 1
  local kind = type(value)
  if kind == "string" then return show_string(value, state.limits) end
  local text = own_text(value)
  if text then return "<" .. text .. ">" end
  if kind == "table" then return show_table(state, value, indent) end
  if kind == "function" then return show_function(value) end
  if kind == "userdata" then
    local name = metafield(value, "__name")
    return "<" .. (type(name) == "string" and name or kind) .. ">"
  end
  return kind == "thread" and "<thread>" or tostring(value)
end

---@param value any
---@param limits? { depth: integer?, items: integer?, total: integer?, text: integer?, binary: integer?, width: integer? }
---@return string
return function(value, limits)
  limits = setmetatable(limits or {}, { __index = DEFAULTS })
  return own_text(value) or show({ limits = limits, within = {}, depth = 0, left = limits.total }, value, "")
end
