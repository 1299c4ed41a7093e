---The scripts of this project, run in processes of their own in a temporary folder, with one cluster secret.
---
---    local folder <close> = scripts.folder()
---    local peers, processes = scripts.two_peers(folder)
---    local _ <close> = processes
---    local result = scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", peers)

local process = require "spec.support.process"
local temp = require "spec.support.temp"

local scripts = { SECRET = "1b9f7d40c3e85a26f0d1473ab85e92c6" }

---A folder with the secret in it.
function scripts.folder()
  local folder = temp.folder()
  folder:write("secret", scripts.SECRET .. "\n")
  return folder
end

function scripts.start(folder, name, ...)
  local command = { "scripts/" .. name .. ".lua", ... }
  command.env = { FILO_SECRET_FILE = folder:file "secret" }
  return process.start(command)
end

function scripts.run(folder, name, ...)
  local child <close> = scripts.start(folder, name, ...)
  return child:wait()
end

---Two peers in processes of their own. Gives their addresses as the scripts take them; they end with the scope.
function scripts.two_peers(folder)
  local peers = {}
  for i = 1, 2 do peers[i] = scripts.start(folder, "peer", folder:file("peer" .. i), "127.0.0.1:0") end
  local addresses = {}
  for i, peer in ipairs(peers) do addresses[i] = peer:expect "node %x+ at ([%d.:]+)\n" end
  return table.concat(addresses, ","), setmetatable(peers, { __close = function()
    for _, peer in ipairs(peers) do peer:close() end
  end })
end

function scripts.shell(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read "a"
end

function scripts.count_objects(folder, name)
  return tonumber(scripts.shell(("find %s -type f 2>/dev/null | wc -l"):format(temp.quote(folder:file(name .. "/objects")))))
end

return scripts
