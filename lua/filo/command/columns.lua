---Rows of texts, in columns.

local format = require "filo.base.format"

local columns = {}

---Lines whose columns are as wide as they have to be.
---@param rows string[][]
function columns.write(rows)
  local widths = {}
  for _, row in ipairs(rows) do
    for i, text in ipairs(row) do
      row[i] = format.printable(text)
      widths[i] = math.max(widths[i] or 0, utf8.len(row[i]))
    end
  end
  for _, row in ipairs(rows) do
    local parts = {}
    for i, text in ipairs(row) do
      if widths[i] > 0 then parts[#parts + 1] = text .. (" "):rep(i < #row and widths[i] - utf8.len(text) or 0) end
    end
    io.write((table.concat(parts, "  "):gsub(" +$", "")), "\n")
  end
end

return columns
