---What a terminal of the xterm kind would show, given the bytes written to it: enough of it for a line editor.

local Screen = {}
Screen.__index = Screen

local function new(rows, columns)
  return setmetatable({ rows = rows, columns = columns, top = 1, row = 1, column = 1, lines = { {} }, rest = "" }, Screen)
end

local function is_wide(code) return code >= 0x1100 and code <= 0x115f or code >= 0x2e80 and code <= 0xffdc end

local function combines(code) return code >= 0x300 and code <= 0x36f end

local function line_at(self, row)
  for i = #self.lines + 1, row do self.lines[i] = {} end
  return self.lines[row]
end

local function next_row(self)
  self.row = self.row + 1
  self.top = math.max(self.top, self.row - self.rows + 1)
  line_at(self, self.row)
end

---The cursor stays beyond the last column until something more is to be shown.
local function show(self, text)
  local code = utf8.codepoint(text)
  if combines(code) then
    local line = line_at(self, self.row)
    line[self.column - 1] = (line[self.column - 1] or "") .. text
    return
  end
  local wide = is_wide(code)
  if self.column + (wide and 1 or 0) > self.columns then
    self.column = 1
    next_row(self)
  end
  local line = line_at(self, self.row)
  for i = #line + 1, self.column - 1 do line[i] = " " end
  if self.inserting then
    table.insert(line, self.column, text)
    if wide then table.insert(line, self.column + 1, "") end
    for i = #line, self.columns + 1, -1 do line[i] = nil end
  else
    line[self.column] = text
    if wide then line[self.column + 1] = "" end
  end
  self.column = self.column + (wide and 2 or 1)
end

local function clear_to_end(self)
  local line = line_at(self, self.row)
  for i = #line, self.column, -1 do line[i] = nil end
end

local function erase(self, mode)
  if mode == 2 then
    self.row, self.column, self.lines = self.top, 1, { table.unpack(self.lines, 1, self.top - 1) }
  end
  clear_to_end(self)
  for i = #self.lines, self.row + 1, -1 do self.lines[i] = nil end
end

local controls = {
  ["\r"] = function(self) self.column = 1 end,
  ["\n"] = next_row,
  ["\b"] = function(self) self.column = math.max(1, math.min(self.column, self.columns) - 1) end,
  ["\t"] = function(self) self.column = math.min(self.columns, (self.column + 7) // 8 * 8 + 1) end,
}

local sequences = {
  A = function(self, n) self.row = math.max(self.top, self.row - (n or 1)) end,
  B = function(self, n) self.row = math.min(self.top + self.rows - 1, self.row + (n or 1)) end,
  C = function(self, n) self.column = math.min(self.columns, self.column + (n or 1)) end,
  D = function(self, n) self.column = math.max(1, self.column - (n or 1)) end,
  G = function(self, n) self.column = n or 1 end,
  H = function(self, n, m) self.row, self.column = self.top + (n or 1) - 1, m or 1 end,
  J = erase,
  K = clear_to_end,
  P = function(self, n)
    local line = line_at(self, self.row)
    for _ = 1, n or 1 do
      if line[self.column] then table.remove(line, self.column) end
    end
  end,
  ["@"] = function(self, n)
    local line = line_at(self, self.row)
    for _ = 1, n or 1 do
      if #line >= self.column then table.insert(line, self.column, " ") end
    end
    for i = #line, self.columns + 1, -1 do line[i] = nil end
  end,
  h = function(self, n) if n == 4 then self.inserting = true end end,
  l = function(self, n) if n == 4 then self.inserting = false end end,
  m = function() end,
}

---Takes one thing from the beginning of the text; returns the rest, or nil when it is not all there yet.
local function take(self, text)
  if text:sub(1, 1) == "\27" then
    local first, second, name, stop = text:match "^\27%[%??(%d*);?(%d*)([@%a])()"
    if not name then return text:match "^\27[^%[](.*)" end
    local sequence = sequences[name] or error("the screen does not know \\e[" .. name)
    sequence(self, tonumber(first), tonumber(second))
    return text:sub(stop)
  end
  local control = text:match "^%c"
  if control then
    if controls[control] then controls[control](self) end
    return text:sub(2)
  end
  local char = text:match("^" .. utf8.charpattern) or text:sub(1, 1)
  local whole = utf8.len(char)
  if not whole and #char == #text and #char < 4 then return nil end
  show(self, whole and char or "?") -- an echo may come in the middle of a character
  return text:sub(#char + 1)
end

---Shows what was written, which may stop anywhere.
function Screen:write(bytes)
  local rest = self.rest .. bytes
  while #rest > 0 do
    local less = take(self, rest)
    if not less then break end
    rest = less
  end
  self.rest = rest
end

---All lines, those that have scrolled away too, without blanks at their ends.
function Screen:text()
  local list = {}
  for i, line in ipairs(self.lines) do
    for j = 1, #line do line[j] = line[j] or " " end
    list[i] = table.concat(line):gsub(" +$", "")
  end
  return (table.concat(list, "\n"):gsub("\n+$", ""))
end

return new
