---The files of a simulated machine's user, beside its node: some texts by their paths. They outlast everything.

local errors = require "filo.base.errors"
local runtime = require "filo.core.runtime"
local sorted_keys = require "filo.base.sorted_keys"

---An open file, which is read or written as a whole.
local File = {}
File.__index = File

function File:write(...)
  self.file.content, self.file.modified = self.file.content .. table.concat { ... }, self.now()
  return self
end

function File:read(shape) -- luacheck: no self
  if shape ~= "a" then error("a simulated file is read as a whole, by read \"a\"", 2) end
  return self.file.content
end

function File:close() return self ~= nil end

File.__close = File.close

local function entry_of(name, path, file)
  return {
    name = name, path = path, kind = file and "f" or "d", size = file and #file.content or 0,
    modified = file and file.modified // 1000000 or 0, nanoseconds = file and file.modified % 1000000 * 1000 or 0,
  }
end

---What lies in a folder, as filo.folder gives it.
local function list(files, path)
  local prefix, found, seen = path:gsub("/*$", "/"), {}, {}
  for _, each in ipairs(sorted_keys(files)) do
    local name, rest = each:match("^([^/]+)(.*)$", each:sub(1, #prefix) == prefix and #prefix + 1 or #each + 1)
    if name and not seen[name] then
      seen[name] = true
      found[#found + 1] = entry_of(name, prefix .. name, rest == "" and files[each] or nil)
    end
  end
  return found
end

local function missing(path) return nil, path .. ": No such file or directory", 2 end

---@param machine filo.sim.Machine
---@return {filo: table, io: table, os: table}  what a scheme has of them
return function(machine)
  local function now() return machine:microseconds() end
  local files = machine.files
  local function open(path, mode)
    if mode == "w" then files[path] = { content = "", modified = now() } end
    if not files[path] then return missing(path) end
    return setmetatable({ file = files[path], now = now }, File)
  end
  local function remove(path)
    if not files[path] then return missing(path) end
    files[path] = nil
    return true
  end
  local function look(path)
    if files[path] then return entry_of(path:match "[^/]*$", path, files[path]) end
    return errors.fail("not_found", path .. ": No such file or directory")
  end
  local function folder(path)
    runtime.sleep(0) -- as where it is read from a disk
    return list(files, path)
  end
  local function file(path)
    local left = files[path] and files[path].content or nil
    local is_there = left ~= nil
    return function()
      if not is_there then return errors.fail("not_found", path .. ": No such file or directory") end
      local piece = left
      left = nil
      return piece
    end
  end
  return { io = { open = open }, os = { remove = remove }, filo = { look = look, folder = folder, file = file } }
end
