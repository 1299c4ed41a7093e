---The files that a command line names, what they are, and folders for those that it writes.

local errors = require "filo.base.errors"

local files = {}

---@param text string
---@return string  for a shell
local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

---What find(1) is to be given, so that a name such as "-n" or "!" is no part of its expression.
local function safe(path) return path:find "^[-!(),]" and "./" .. path or path end

---@class filo.FileEntry
---@field path string
---@field kind string  as find(1) has it: "f", "d", "p", "c" ...
---@field size integer
---@field modified integer  seconds since 1970

---find(1), with what it complains of after all that it lists.
local FIND = [[{ problems=$(find -H %s %s %s -printf '%%y %%s %%T@ %%p\0' 2>&1 >&3); printf %%s "$problems"; } 3>&1]]

---A path and, with `recursive`, what lies below it. Symbolic links are followed only where they are named.
---@param path string
---@param recursive? boolean
---@param except? string  a folder that is left out with all below it
---@return filo.FileEntry[]? list  nil: there is nothing
---@return filo.Error? problem  what cannot be listed, the first of it
function files.list(path, recursive, except)
  local left_out = except and ("-samefile %s -prune -o"):format(quoted(safe(except))) or ""
  local pipe <close> = assert(io.popen(FIND:format(quoted(safe(path)), recursive and "" or "-maxdepth 0", left_out), "r"))
  local text = pipe:read "a"
  local list = {}
  for kind, size, modified, name in text:gmatch "(%a) (%d+) (%-?%d+)[%d.]* ([^\0]+)\0" do
    list[#list + 1] = { path = name, kind = kind, size = math.tointeger(size), modified = math.tointeger(modified) }
  end
  local problem = text:match "[^\0]*$"
  local err = problem ~= "" and errors.new("io", (problem:gsub("^find: ", ""):gsub("\n.*", ""))) or nil
  return list[1] and list or nil, err
end

---Runs a shell command. Not by os.execute, during which the process is deaf to Ctrl-C.
---@return boolean? ok
---@return string how  "signal": it was killed
---@return string? said  its first line
local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local said = pipe:read "l"
  local ok, how = pipe:close()
  return ok, how, said
end

---True also when it cannot be told because of Ctrl-C: nothing is replaced then.
---@return boolean
function files.exists(path)
  local name = quoted(safe(path))
  local ok, how = run(("test -e %s || test -h %s"):format(name, name))
  return ok == true or how == "signal"
end

---A path without what means nothing in it: "./a//b/./c" is "a/b/c".
---@param path string
---@return string
function files.plain(path)
  local plain, again = path:gsub("//+", "/"), 1
  while again > 0 do plain, again = plain:gsub("/%./", "/") end
  return (plain:gsub("^%./", ""))
end

---Makes the folders that a file is to lie in.
---@param path string
---@return true?, filo.Error?
function files.make_parents(path)
  local parent = path:match "^(.*)/[^/]*$"
  if not parent or parent == "" then return true end
  local ok, _, problem = run("mkdir -p " .. quoted(safe(parent)))
  if ok then return true end
  return errors.fail("io", (problem or "mkdir failed"):gsub("^mkdir: ", ""))
end

---Gives a file its source's time.
---@param modified integer  seconds since 1970
function files.set_time(path, modified) run(("touch -c -d @%d %s"):format(modified, quoted(safe(path)))) end

return files
