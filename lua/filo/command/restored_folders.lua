---The folders that `filo get` makes. One that is an object, with a mode of its own, is nobody else's until it gets that: in the end, when
---all that is to be in it is there.

local attributes = require "filo.command.attributes"
local core_files = require "filo.core.files"
local errors = require "filo.base.errors"
local failures = require "filo.command.failures"
local format = require "filo.base.format"

---Of what is not whole yet, in the numbers of chmod(2).
local PRIVATE = tonumber("700", 8)

---@class filo.RestoredFolders
local Folders = {}
Folders.__index = Folders

---@param args table  the command's
---@param keys (string|filo.Error)[]  all that it was asked for
---@return filo.RestoredFolders
local function new(args, keys)
  local own = {} -- paths that are objects themselves
  for _, key in ipairs(keys) do
    local path = type(key) == "string" and key:match "^/*(.*[^/])/+$"
    if path then own[path] = true end
  end
  return setmetatable({ args = args, own = own, private = {}, list = {} }, Folders)
end

---Makes one folder, whose parent is there, also in place of a file when that may be replaced.
local function make(self, folder, below, mode)
  local ok, err = core_files.make_folders(folder, below, mode)
  local there = not ok and core_files.look(folder .. "/" .. below)
  if not there or there.kind ~= "f" then return ok, err end
  if self.args.force then return core_files.replace_by_folder(folder, below, mode or core_files.usual_mode) end
  return errors.fail("exists", format.printable(folder .. "/" .. below) .. " is there already, and is no folder: -f replaces it")
end

---Makes a folder below another one, with those above it, where they are not there.
---@param folder string
---@param below string  "": none
---@return true?, filo.Error?
function Folders:make(folder, below)
  local ok, err = core_files.make_folders(folder, "")
  for last in (below == "" and "" or below .. "/"):gmatch "()/" do
    if not ok then return nil, err end
    local path = below:sub(1, last - 1)
    local place = self.own[path] and { folder = folder, below = path }
    local there = place and core_files.look(folder .. "/" .. path)
    if place and not (there and there.kind == "d") then self.private[path] = place end
    ok, err = make(self, folder, path, place and PRIVATE or nil)
  end
  return ok, err
end

---Notes what a folder was, to be given to it in the end.
---@param place {folder: string, below: string}
---@param kept filo.Attributes
function Folders:note(place, kept)
  if not kept.mode and self.private[place.below] then kept.mode = core_files.usual_mode end
  self.private[place.below] = nil
  table.insert(self.list, { place = place, kept = kept })
end

---Gives all what they were: those within others first.
---@return integer exit status
function Folders:finish()
  for _, place in pairs(self.private) do -- which turned out to be no folders, or could not be read
    table.insert(self.list, { place = place, kept = { mode = core_files.usual_mode, modified = os.time(), nanoseconds = 0 } })
  end
  table.sort(self.list, function(a, b) return a.place.below > b.place.below end)
  local function finish(each) return attributes.give(each.place, each.kept, self.args.owners) end
  return failures.each("get", self.list, finish, self.args.json)
end

return new
