---A folder of objects, as a page for people or as JSON for programs.

local format = require "filo.base.format"
local json = require "filo.base.json"
local level = require "filo.command.level"
local target = require "filo.http.target"

---Entries of a page.
local MOST = 1000

local listing = {}

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function escape(text) return (format.printable(text):gsub("[&<>\"']", ESCAPES)) end

---What is right below a prefix: objects, and folders of more.
---@param node filo.Node
---@param prefix string
---@param after string  names up to this one are passed over
---@return {name: string, size?: integer, modified?: integer}[]
---@return string? more  the last name, when there are others
function listing.of(node, prefix, after)
  local list = {}
  for name, item, is_folder in level(node, prefix, "/", prefix .. after) do
    if #list == MOST then return list, list[MOST].name end
    list[#list + 1] = { name = name:sub(#prefix + 1) }
    if not is_folder then list[#list].size, list[#list].modified = item.size, item.version // 1000000 end
  end
  return list
end

---@return string
function listing.json(list, more)
  local lines = {}
  for i, each in ipairs(list) do lines[i] = json.encode(each, { "name", "size", "modified" }) end
  if more then lines[#lines + 1] = json.encode { more = more } end
  return table.concat(lines, "\n") .. (lines[1] and "\n" or "")
end

local PAGE = [[
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%s</title>
<style>
:root { color-scheme: light dark; font-family: system-ui, sans-serif }
body { max-width: 60em; margin: 2em auto; padding: 0 1em }
td, th { padding: .2em 1em .2em 0; text-align: left }
td:nth-child(2), th:nth-child(2) { text-align: right; font-variant-numeric: tabular-nums }
</style>
<h1>%s</h1>
<table>
<tr><th scope="col">Name<th scope="col">Size<th scope="col">Stored
%s</table>
%s</html>
]]

local function row(each)
  local size = each.size and format.bytes(each.size) or ""
  local date = each.modified and format.date(each.modified) or ""
  return ('<tr><td><a href="./%s">%s</a><td>%s<td>%s\n'):format(target.encode(each.name, "/"), escape(each.name), size, date)
end

---@param prefix string
---@return string
function listing.html(prefix, list, more)
  local rows, title = {}, "/" .. escape(prefix)
  if prefix:find "/" then rows[1] = '<tr><td><a href="../">../</a><td><td>\n' end
  for _, each in ipairs(list) do rows[#rows + 1] = row(each) end
  local last = more and ('<p><a href="?after=%s">More</a>\n'):format(target.encode(more)) or ""
  return PAGE:format(title, title, table.concat(rows), last)
end

return listing
