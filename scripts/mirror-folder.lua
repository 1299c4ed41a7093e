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
if not peers or arg[4] then script.usage "three arguments expected" end

local function files_in_folder()
  local quoted = folder:gsub("'", "'\\''")
  local pipe, files = assert(io.popen("find '" .. quoted .. "/' -type f -printf '%T@ %s %P\\0'")), {}
  for time, size, path in pipe:read "a":gmatch "(%d+)[%d.]* (%d+) (%Z+)" do
    if path:match "[^/]*$" == "filo-root" then script.fail("%s lies within %s: choose a root elsewhere", path, folder) end
    files[path] = { modified = math.tointeger(time), size = math.tointeger(size) }
  end
  if not pipe:close() then script.fail("cannot list %s", folder) end
  return files
end

local addresses = script.addresses(peers)
local node <close>, err = filo.node {
  root = root, bootstrap = addresses, cluster = script.secret(), policy = { quorum = #addresses + 1 },
}
if not node then script.fail("%s", err) end
if node:ready() < #addresses then script.fail("%d of %d peers are connected: nothing was done", #node:peers(), #addresses) end

local files = files_in_folder()
local stored, deleted, failed = 0, 0, 0
local function try(ok, problem)
  if not ok then io.stderr:write(tostring(problem), "\n") end
  failed = failed + (ok and 0 or 1)
  return ok
end

for old in node:list() do
  local file = files[old.key]
  if not file then deleted = deleted + (try(node:delete(old.key)) and 1 or 0) end
  if file and file.modified == old.modified and file.size == old.size then files[old.key] = nil end
end
for path in pairs(files) do
  if try(node:store(path, filo.file(folder .. "/" .. path))) then
    stored = stored + 1
  else
    node:evict(path) -- so that the next run stores it again
  end
end
print(("%d stored, %d deleted, %d failed; %d peers"):format(stored, deleted, failed, #addresses))
os.exit(failed == 0, true)
