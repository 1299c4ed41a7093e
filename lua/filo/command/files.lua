---The files that a command line names, and what they are.

local core_files = require "filo.core.files"
local errors = require "filo.base.errors"

local files = {}

---@param text string
---@return string  for a shell
local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

---What find(1) is to be given, so that a name such as "-n" or "!" is no part of its expression.
local function safe(path) return path:find "^[-!(),]" and "./" .. path or path end

---find(1), with what it complains of after all that it lists.
local FIND = [[{ problems=$(LC_ALL=C find -H %s %s -printf '%%y %%s %%T@ %%p\0' 2>&1 >&3); printf %%s "$problems"; } 3>&1]]

---What lies below a folder, with the folder itself.
local function list_below(folder, except)
  local left_out = except and ("-samefile %s -prune -o"):format(quoted(safe(except))) or ""
  local pipe <close> = assert(io.popen(FIND:format(quoted(safe(folder)), left_out), "r"))
  local text = pipe:read "a"
  local list = {}
  for kind, size, modified, name in text:gmatch "(%a) (%d+) (%-?%d+)[%d.]* ([^\0]+)\0" do
    list[#list + 1] = { path = name, kind = kind, size = math.tointeger(size), modified = math.tointeger(modified) }
  end
  local problem = text:match "[^\0]*$"
  local err = problem ~= "" and errors.new("io", (problem:gsub("^find: '(.-)':", "cannot read %1:"):gsub("\n.*", ""))) or nil
  return list[1] and list or nil, err
end

---A path and, with `recursive`, what lies below it when it is a folder. Symbolic links are followed only where they are named.
---@param path string
---@param recursive? boolean
---@param except? string  a folder that is left out with all below it
---@return filo.FileEntry[]? list  nil: there is nothing
---@return filo.Error? problem  what cannot be listed, the first of it
function files.list(path, recursive, except)
  local named, err = core_files.look(path, true)
  named = named or core_files.look(path) -- a symbolic link that leads nowhere
  if not named then return nil, err end
  if named.kind == "d" and recursive then return list_below(path, except) end
  return { named }
end

---A path without what means nothing in it: "./a//b/./c" is "a/b/c".
---@param path string
---@return string
function files.plain(path)
  local plain, again = path:gsub("//+", "/"), 1
  while again > 0 do plain, again = plain:gsub("/%./", "/") end
  return (plain:gsub("^%./", ""))
end

return files
