---Temporary folders. `local dir <close> = temp.folder()`: gone with all that is in it at the end of the scope.

local Folder = {}
Folder.__index = Folder

---Quotes a word for the shell.
local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function folder()
  local pipe <close> = assert(io.popen "mktemp -d")
  return setmetatable({ path = assert(pipe:read "l") }, Folder)
end

---The path of something in the folder.
function Folder:file(name) return self.path .. "/" .. name end

---Writes a file; returns its path.
function Folder:write(name, content)
  local path = self:file(name)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(content))
  return path
end

function Folder:read(name)
  local file <close> = assert(io.open(self:file(name), "rb"))
  return assert(file:read "a")
end

function Folder:remove()
  if not self.path then return end
  os.execute("rm -rf -- " .. quote(self.path))
  self.path = nil
end

Folder.__close = Folder.remove

return { folder = folder, quote = quote }
