---A name that was a file and is a folder by now has two keys, "a/b" and "a/b/", and so has one that was a folder. Both stay, so that
---nothing is lost. Where all are written to one place, what was stored last counts.

local errors = require "filo.base.errors"
local format = require "filo.base.format"

local superseded = {}

---Both kinds of keys of one name that were asked for.
---@class filo.Contest
---@field path string  of the name
---@field file string  key
---@field below string[]  keys of the folder, and of what is in it

---@param keys (string|filo.Error)[]
---@return filo.Contest[]  those within others last
local function find_contests(keys)
  local files, contests, list = {}, {}, {}
  for _, key in ipairs(keys) do
    local path = not errors.is(key) and key:match "^/*(.*[^/])$"
    if path then files[path] = key end
  end
  for _, key in ipairs(keys) do
    local path = errors.is(key) and "" or key:match "^/*(.*)"
    for slash in path:gmatch "()/" do
      local folder = path:sub(1, slash - 1)
      local contest = contests[folder] or files[folder] and { path = folder, file = files[folder], below = {} }
      if contest and not contests[folder] then list[#list + 1] = contest end
      contests[folder] = contest
      if contest then table.insert(contest.below, key) end
    end
  end
  table.sort(list, function(a, b) return a.path < b.path end)
  return list
end

local function version_of(node, key)
  local item = node:stat(key)
  return item and item.version or 0
end

---Whether the folder, or something in it, was stored after the file.
local function is_folder_now(node, contest)
  local version = version_of(node, contest.file)
  for _, key in ipairs(contest.below) do
    if version_of(node, key) > version then return true end
  end
  return false
end

---Decides one, which may have been decided with another that it is within.
---@param lost table<string, boolean>  keys that are left out
---@return string? told
local function decide(node, contest, lost)
  if lost[contest.file] then return nil end
  local name = format.printable(contest.path)
  if is_folder_now(node, contest) then
    lost[contest.file] = true
    return ("'%s' is a folder by now: the file stored before is left out; without -r its key gets it"):format(name)
  end
  for _, key in ipairs(contest.below) do lost[key] = true end
  return ("'%s' is no folder any more: what was stored below it before (%s) is left out; -r '%s/' gets it"):format(
    name, format.count(#contest.below, "object", "objects"), name)
end

---The keys without those that something else has taken the place of.
---@param node filo.Node
---@param keys (string|filo.Error)[]
---@param tell fun(text: string)  told of each that is left out
---@return (string|filo.Error)[]
function superseded.leave_out(node, keys, tell)
  local lost, left = {}, {}
  for _, contest in ipairs(find_contests(keys)) do
    local told = decide(node, contest, lost)
    if told then tell(told) end
  end
  for _, key in ipairs(keys) do
    if not lost[key] then left[#left + 1] = key end
  end
  return left
end

---Whether some of the keys are those of both kinds of one name.
---@param keys (string|filo.Error)[]
---@return boolean
function superseded.any(keys) return find_contests(keys)[1] ~= nil end

return superseded
