---Small disks for tests, in memory. Mounting needs root: elsewhere the test says that it is pending.
---
---    local disk <close> = small_disk.mount(4 << 20) or pending(small_disk.WHY_NOT)

local temp = require "spec.support.temp"

local Disk = {}
Disk.__index = Disk

local function run(command, ...) return os.execute(command:format(...) .. " 2>/dev/null") end

---@param size integer bytes
---@return table? disk as temp.folder gives
local function mount(size)
  local folder = temp.folder()
  if run("mount -t tmpfs -o size=%d,mode=700 filo-spec %s", size, temp.quote(folder.path)) then
    return setmetatable({ folder = folder, path = folder.path }, Disk)
  end
  folder:remove()
end

function Disk:file(name) return self.folder:file(name) end
function Disk:read(name) return self.folder:read(name) end
function Disk:write(name, content) return self.folder:write(name, content) end

---Writes until no byte is free.
function Disk:fill()
  run("cat /dev/zero > %s", temp.quote(self:file "filling"))
  run("sync %s", temp.quote(self:file "filling"))
end

function Disk:empty() assert(os.remove(self:file "filling")) end

function Disk:make_read_only() assert(run("mount -o remount,ro %s", temp.quote(self.path))) end

function Disk:close()
  assert(run("umount %s", temp.quote(self.path)))
  self.folder:remove()
end

Disk.__close = Disk.close

return { mount = mount, WHY_NOT = "only root may mount a disk" }
