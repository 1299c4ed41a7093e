#!/usr/bin/env filo
-- Mirrors a folder to all peers: stores what is new or has changed since the last run, deletes what is gone.
--
--   FILO_SECRET_FILE=secret filo scripts/mirror-folder.lua FOLDER ROOT PEERS [--delete]
--
--   FOLDER    what to mirror; each file is an object, its path within FOLDER the key
--   ROOT      folder of this node: its identity, which alone can read the copies, and its own copies; outside of FOLDER
--   PEERS     addresses of the peers, with commas between them; each is to hold a copy of everything
--   --delete  deletes also what lay on a disk that was mounted within FOLDER, or as FOLDER, and is not now; and more than a quarter of
--             all. Without it, such files stay at the peers, and are told of: it may be that a disk is missing
--
-- The file in FILO_SECRET_FILE holds the secret that all nodes share. Exits with 1 when a copy could not be made, or something was not
-- deleted: run it again then (from cron, say), and it goes on with what is missing.

local filo = require "filo"
local script = require "filo.script"
local folder, root, peers, option = ...
if not peers or arg[5] or (option or "--delete") ~= "--delete" or not peers:find "[^,%s]" then
  script.usage "three arguments expected, and one of PEERS at least"
end
local addresses, secret = script.addresses(peers), script.secret()

local function read_list(name) -- of paths, kept in the root: a set
  local file, set = io.open(root .. "/" .. name), {}
  for path in (file and file:read "a" or ""):gmatch "%Z+" do set[path] = true end
  if file then file:close() end
  return set
end
local function keep_list(name, set)
  local file <close> = assert(io.open(root .. "/" .. name, "w"))
  for path in pairs(set) do assert(file:write(path, "\0")) end
end

local function must(result, err) return result or script.fail("%s", err) end

local files, disks = {}, {} -- path within folder -> time of its last change, as text; the folders where a disk is mounted
local function look_into(path, device) -- path: "", or that of a folder in it and a slash
  for _, each in ipairs(must(filo.folder(folder .. "/" .. path))) do
    local below = path .. each.name
    must(not each.problem, each.problem)
    if each.kind == "d" then
      if each.mounted or each.device ~= device then disks[below] = true end
      look_into(below .. "/", each.device)
    elseif each.kind == "f" then
      if each.name == "filo-root" then script.fail("%s lies within %s: choose a root elsewhere", below, folder) end
      files[below] = ("%d.%09d0"):format(each.modified, each.nanoseconds)
    end
  end
end
local top = must(filo.look(folder .. "/", true))
if top.mounted or must(filo.look(folder .. "/..")).device ~= top.device then disks["."] = true end
look_into("", top.device)
if not next(files) then script.fail("%s has no files: nothing was done, as it may not be mounted", folder) end
local node <close>, err = filo.node {
  root = root, bootstrap = addresses, cluster = secret, policy = { name = "a copy at every peer, all awaited", quorum = #addresses + 1 },
}
if not node then script.fail("%s", err) end
if node:ready() < #addresses then script.fail("%d of %d peers are connected: nothing was done", #node:peers(), #addresses) end
local stored, deleted, failed, missing = 0, 0, 0, read_list "missing" -- missing: paths that may lack copies, also after a crash
local function count(ok, problem)
  if not ok then io.stderr:write(tostring(problem), "\n") end
  failed = failed + (ok and 0 or 1)
  return ok and 1 or 0
end

local known = read_list "disks" -- all that were mounted before
local function absent_disk(path) -- that a file lay on
  for disk in pairs(known) do
    if not disks[disk] and (disk == "." or path:sub(1, #disk + 1) == disk .. "/") then return disk end
  end
end
local total, gone, away = 0, {}, {} -- away: disk that is not mounted -> files that lay there
for old in node:list() do
  total = total + 1
  local disk = not files[old.key] and absent_disk(old.key)
  if disk then away[disk] = (away[disk] or 0) + 1 end
  if not files[old.key] and (not disk or option) then gone[#gone + 1] = old.key end
  if old.fields and old.fields.time == files[old.key] and not missing[old.key] then files[old.key] = nil end
end
for disk, number in pairs(option and {} or away) do
  disks[disk] = true
  count(nil, ("%s of %s is not mounted: what lay there (%d) is not deleted without --delete"):format(disk, folder, number))
end
keep_list("disks", disks)
if #gone > 3 and #gone > total / 4 and not option then
  count(nil, ("%d of %d files are gone, and are not deleted without --delete: is a disk missing?"):format(#gone, total))
  gone = {}
end
for _, path in ipairs(gone) do deleted = deleted + count(node:delete(path)) end
keep_list("missing", files)
for path, time in pairs(files) do
  local receipt, problem = node:store(path, filo.file(folder .. "/" .. path), { fields = { time = time } })
  local done = count(receipt and not receipt.changed, problem or path .. " changes all the time: what was read is stored")
  stored, files[path] = stored + done, done == 0 and time or nil
end
keep_list("missing", files)
print(("%d stored, %d deleted, %d failed; %s"):format(stored, deleted, failed, script.count(#addresses, "peer", "peers")))
os.exit(failed == 0, true)
