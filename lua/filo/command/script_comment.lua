---The comment that a script starts with, which says how it is used.

---@param path string
---@return string? text  lines without their "--", each with its end; empty when there is no such comment
---@return string? problem  why the file could not be read
return function(path)
  local file <close>, problem = io.open(path)
  if not file then return nil, problem end
  local line, unread = file:read "l"
  if unread then return nil, path .. ": " .. unread end
  local lines = {}
  while line do
    local text = line:match "^%-%-+%s?(.*)"
    if not text and line:sub(1, 2) ~= "#!" then break end
    if text then lines[#lines + 1] = text .. "\n" end
    line = file:read "l"
  end
  return table.concat(lines)
end
