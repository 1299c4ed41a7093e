---Lays out help as plain text.

local WIDTH = 79
local LABEL_MOST = 24

local page = {}

---Breaks a text at blanks; all lines but the first are indented.
local function wrap(text, width, indent)
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    if line and utf8.len(line .. word) + 1 > width then
      lines[#lines + 1], line = line, nil
    end
    line = line and line .. " " .. word or word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n" .. indent)
end

---Lines of a comment as paragraphs. One that is indented stays as it is.
---@param words string[]
---@return string
function page.paragraphs(words)
  local parts, open = {}, false
  for _, line in ipairs(words) do
    local plain = line:find "^%S" ~= nil
    if plain and open then
      parts[#parts] = parts[#parts] .. " " .. line
    else
      parts[#parts + 1] = line
    end
    open = plain
  end
  for i, part in ipairs(parts) do
    if part:find "^%S" then parts[i] = wrap(part, WIDTH, "") end
  end
  return table.concat(parts, "\n")
end

---Two columns.
---@param rows {label: string, text: string}[]
---@return string
function page.rows(rows)
  local widest = 0
  for _, row in ipairs(rows) do
    if #row.label <= LABEL_MOST then widest = math.max(widest, #row.label) end
  end
  local indent, lines = (" "):rep(widest + 4), {}
  for i, row in ipairs(rows) do
    local label = "  " .. row.label
    label = #row.label <= widest and label .. (" "):rep(#indent - #label) or label .. "\n" .. indent
    lines[i] = (label .. wrap(row.text, WIDTH - #indent, indent)):gsub("%s+$", "")
  end
  return table.concat(lines, "\n")
end

---@param words string[]
---@return string
function page.first_sentence(words)
  local text = {}
  for _, line in ipairs(words) do
    if not line:find "%S" then break end
    text[#text + 1] = line
  end
  local whole = table.concat(text, " ")
  return whole:match "^(.-[^.]%.)%s" or whole
end

return page
