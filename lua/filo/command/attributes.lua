---What a file is beside its content. `filo put` keeps it in the sealed field `file` of its object, and `filo get` gives it back:
---
---    { kind = "f", mode = 420, modified = 1700000000, nanoseconds = 5 }             a file, whose content is the object's;
---                                                                                    sparse = true: it has holes
---    { kind = "d", mode = 493, modified = 1700000000, nanoseconds = 5 }             a folder; its key ends with "/"
---    { kind = "l", target = "../there", modified = 1700000000, nanoseconds = 5 }    a symbolic link

local core_files = require "filo.core.files"

---No user or group has it: to the system it means to leave them.
local NO_ID = (1 << 32) - 1

local attributes = {}

---@class filo.Attributes
---@field kind "f"|"d"|"l"
---@field mode? integer  not of a link
---@field modified? integer  seconds since 1970; nil: that was not kept
---@field nanoseconds integer  after these
---@field target? string  of a link
---@field sparse? boolean  a file with holes
---@field owner? integer  where they were asked for
---@field group? integer
---@field links? string  the same for all names of a file that has several, where that was asked for

---What is to be kept of what lies at a path now.
---@param path string
---@param follow boolean  where a symbolic link leads, and not the link
---@param also {owners?: boolean, hard_links?: boolean}
---@return filo.Attributes?, filo.Error?
function attributes.of_path(path, follow, also)
  local there, err = core_files.look(path, follow)
  if not there then return nil, err end
  local has_links = also.hard_links and there.kind == "f" and there.links > 1
  return {
    owner = also.owners and there.owner or nil, group = also.owners and there.group or nil,
    links = has_links and ("%d %d"):format(there.device, there.inode) or nil,
    kind = there.kind, mode = there.kind ~= "l" and there.mode or nil, modified = there.modified, nanoseconds = there.nanoseconds,
    target = there.target, sparse = there.kind == "f" and there.sparse or nil,
  }
end

local function is_count(value, limit) return math.type(value) == "integer" and value >= 0 and value < limit end

---What was kept of an object. Fields are whatever their writer likes: what makes no sense there is taken for nothing.
---@param object filo.Object|filo.Item
---@return filo.Attributes
function attributes.kept(object)
  local file = type(object.fields) == "table" and object.fields.file
  if type(file) ~= "table" then file = {} end
  local is_link = file.kind == "l" and type(file.target) == "string" and file.target ~= "" and not file.target:find "\0"
  local has_time = math.type(file.modified) == "integer" and is_count(file.nanoseconds, 1000000000)
  local has_owner = is_count(file.owner, NO_ID) and is_count(file.group, NO_ID)
  return {
    owner = has_owner and file.owner or nil, group = has_owner and file.group or nil,
    links = type(file.links) == "string" and file.links or nil,
    kind = is_link and "l" or file.kind == "d" and "d" or "f",
    mode = is_count(file.mode, 1 << 12) and file.mode or nil,
    modified = has_time and file.modified or object.modified, nanoseconds = has_time and file.nanoseconds or 0,
    target = is_link and file.target or nil, sparse = file.sparse == true,
  }
end

---Gives a file or folder the mode, the times and, where it is to have them, the owner and group that were kept.
---@param place {folder: string, below: string}
---@param kept filo.Attributes
---@param owners boolean?
---@return true?, filo.Error?
function attributes.give(place, kept, owners)
  if not kept.modified then return true end
  return core_files.set_attributes(place.folder, place.below, kept.mode, kept.modified, kept.nanoseconds, owners and kept.owner, kept.group)
end

return attributes
