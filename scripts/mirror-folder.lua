#!/usr/bin/env filo
-- Mirrors a folder to all peers: stores what is new or has changed since the last run, deletes what is gone.
--
--   FILO_SECRET_FILE=secret filo scripts/mirror-folder.lua FOLDER ROOT PEERS
--
--   FOLDER  what to mirror; each file is an object, its path within FOLDER the key
--   ROOT    folder of this node: its identity, which alone can read the copies, and its own copies; outside of FOLDER
--   PEERS   addresses of the peers, with commas between them; each is to hold a copy of everything
--
-- The file in FILO_SECRET_FILE holds the secret that all nodes share. Exits with 1 when a copy could not be made: run it
-- again then (from cron, say), and it goes on with what is missing.

local filo = require "filo"
local script = require "filo.script"
local folder, root, peers = ...
if not peers or arg[4] or not peers:find "[^,%s]" then script.usage "three arguments expected, and one of PEERS at least" end
local addresses, secret = script.addresses(peers), script.secret()

local function files_in_folder() -- path -> time of its last change, as text
  local pipe, files = assert(io.popen("find '" .. folder:gsub("'", "'\\''") .. "/' -type f -printf '%T@ %P\\0'")), {}
  for time, path in pipe:read "a":gmatch "(%S+) (%Z+)" do
    if path:match "[^/]*$" == "filo-root" then script.fail("%s lies within %s: choose a root elsewhere", path, folder) end
    files[path] = time
  end
  if not pipe:close() then script.fail("cannot list %s", folder) end
  return files
end
local files = files_in_folder()
if not next(files) then script.fail("%s has no files: nothing was done, as it may not be mounted", folder) end
local node <close>, err = filo.node {
  root = root, bootstrap = addresses, cluster = secret, policy = { quorum = #addresses + 1 },
}
if not node then script.fail("%s", err) end
if node:ready() < #addresses then script.fail("%d of %d peers are connected: nothing was done", #node:peers(), #addresses) end
local stored, deleted, failed, missing = 0, 0, 0, {} -- missing: paths that may lack copies, also after a crash
local list = io.open(root .. "/missing")
for path in (list and list:read "a" or ""):gmatch "%Z+" do missing[path] = true end
local function keep(paths)
  local file <close> = assert(io.open(root .. "/missing", "w"))
  for path in pairs(paths) do assert(file:write(path, "\0")) end
end
local function count(ok, problem)
  if not ok then io.stderr:write(tostring(problem), "\n") end
  failed = failed + (ok and 0 or 1)
  return ok and 1 or 0
end

for old in node:list() do
  if not files[old.key] then deleted = deleted + count(node:delete(old.key)) end
  if old.fields and old.fields.time == files[old.key] and not missing[old.key] then files[old.key] = nil end
end
keep(files)
for path, time in pairs(files) do
  local done = count(node:store(path, filo.file(folder .. "/" .. path), { fields = { time = time } }))
  stored, files[path] = stored + done, done == 0 and time or nil
end
keep(files)
print(("%d stored, %d deleted, %d failed; %d peers"):format(stored, deleted, failed, #addresses))
os.exit(failed == 0, true)
