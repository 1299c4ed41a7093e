---The files that a command line names, and what they are.

local core_files = require "filo.core.files"
local errors = require "filo.base.errors"
local format = require "filo.base.format"

local files = {}

---@class filo.Listed
---@field path string
---@field kind string  as filo.FileEntry has it
---@field size integer  bytes
---@field problem? filo.Error  why it, or what is in it, cannot be listed

local function is_same(entry, other) return entry.device == other.device and entry.inode == other.inode end

---Adds something, and what lies below it.
---@param list filo.Listed[]
---@param entry filo.FileEntry
---@param left_out? filo.FileEntry
local function add(list, entry, left_out)
  if left_out and is_same(entry, left_out) then return end
  list[#list + 1] = { path = entry.path, kind = entry.kind, size = entry.size }
  if entry.kind ~= "d" then return end
  local below, err = core_files.list(entry.path, #list == 1)
  if not below then
    list[#list + 1] = { path = entry.path, kind = "d", size = 0, problem = err }
    return
  end
  for _, each in ipairs(below) do
    if each.problem then
      list[#list + 1] = { path = each.path, kind = "f", size = 0, problem = each.problem }
    else
      add(list, each, left_out)
    end
  end
end

---A path and, with `recursive`, what lies below it when it is a folder. Symbolic links are followed only where they are named.
---@param path string
---@param recursive? boolean
---@param except? string  a folder that is left out with all below it
---@return filo.Listed[]? list  nil: there is nothing
---@return filo.Error? err
function files.list(path, recursive, except)
  local named, err = core_files.look(path, true)
  named = named or core_files.look(path) -- a symbolic link that leads nowhere
  if not named then return nil, err end
  if named.kind ~= "d" or not recursive then return { named } end
  local list = {}
  add(list, named, except and core_files.look(except, true))
  return list[1] and list
end

---Opens a file for reading.
---@param path string
---@return file*?, filo.Error?
function files.open(path)
  local file, _, number = io.open(path, "rb")
  if file then return file end
  return errors.of_system(number, "cannot read " .. format.printable(path))
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
