---The folders that `filo get` makes. One that is an object, with a mode of its own, is its owner's alone until it gets that: in the end,
---when all that is to be in it is there. One that is there already, and denies its owner something, is opened for him as long.

local attributes = require "filo.command.attributes"
local core_files = require "filo.core.files"
local errors = require "filo.base.errors"
local failures = require "filo.command.failures"
local format = require "filo.base.format"
local new_locks = require "filo.host.lock"
local runtime = require "filo.core.runtime"

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
  return setmetatable({ args = args, own = own, private = {}, list = {}, there = {}, making = new_locks(runtime) }, Folders)
end

---Makes one folder, whose parent is there, also in place of a file when that may be replaced.
local function make(self, folder, below, mode)
  local ok, err = core_files.make_folders(folder, below, mode)
  local there = not ok and core_files.look(folder .. "/" .. below)
  if not there or there.kind ~= "f" then return ok, err end
  if self.args.force then return core_files.replace_by_folder(folder, below, mode or core_files.usual_mode) end
  return errors.fail("exists", format.printable(folder .. "/" .. below) .. " is there already, and is no folder: -f replaces it")
end

---Notes what has to get its mode in the end: a folder that is to be made, or one that denies its owner something, who is let in now.
local function keep_private(self, place)
  local there = core_files.look(place.folder .. "/" .. place.below)
  if there and there.kind == "d" then
    local open = { mode = there.mode | PRIVATE, modified = there.modified, nanoseconds = there.nanoseconds }
    if open.mode == there.mode or not attributes.give(place, open) then return end -- what cannot be done in it is told then
    place.mode = there.mode
  end
  self.private[place.below] = place
end

local function make_all(self, folder, below)
  local ok, err = core_files.make_folders(folder, "")
  for last in (below == "" and "" or below .. "/"):gmatch "()/" do
    if not ok then return nil, err end
    local path = below:sub(1, last - 1)
    local place = self.own[path] and { folder = folder, below = path }
    if place then keep_private(self, place) end
    ok, err = make(self, folder, path, place and PRIVATE or nil)
    if not ok and place and not place.mode then self.private[path] = nil end -- it is not there
  end
  return ok, err
end

---Makes a folder below another one, with those above it, where they are not there. Once, however often it is asked for.
---@param folder string
---@param below string  "": none
---@return true?, filo.Error?
function Folders:make(folder, below)
  local _ <close> = self.making:take "all"
  local path = folder .. "/" .. below
  if self.there[path] then return true end
  local ok, err = make_all(self, folder, below)
  self.there[path] = ok or nil
  return ok, err
end

---Notes what a folder was, to be given to it in the end.
---@param place {folder: string, below: string}
---@param kept filo.Attributes
---@param key string
function Folders:note(place, kept, key)
  local private = self.private[place.below]
  if not kept.mode and private then kept.mode = private.mode or core_files.usual_mode end
  self.private[place.below] = nil
  table.insert(self.list, { place = place, kept = kept, key = key, path = place.folder .. "/" .. place.below .. "/" })
end

---Gives all what they were: those within others first.
---@return integer exit status
function Folders:finish()
  for _, place in pairs(self.private) do -- which turned out to be no folders, or could not be read
    local kept = { mode = place.mode or core_files.usual_mode, modified = os.time(), nanoseconds = 0 }
    table.insert(self.list, { place = place, kept = kept, path = place.folder .. "/" .. place.below .. "/" })
  end
  local list = self.list
  self.list, self.private = {}, {}
  table.sort(list, function(a, b) return a.place.below > b.place.below end)
  local function finish(each) return attributes.give(each.place, each.kept, self.args.owners) end
  return failures.each("get", list, finish, self.args.json)
end

---When it is broken off: a new folder whose mode was not read yet stays its owner's alone.
function Folders:close()
  for below, place in pairs(self.private) do
    if not place.mode then self.private[below] = nil end
  end
  self:finish()
end

Folders.__close = Folders.close

return new
