---A file system in a file, which can be changed behind the system's back: what the system remembers of a file then differs from what lies
---on the disk. Mounting needs root: elsewhere the test says that it is pending.
---
---    local disk <close> = block_disk.mount() or pending(block_disk.WHY_NOT)

local temp = require "spec.support.temp"

local SIZE = "16M"

local Disk = {}
Disk.__index = Disk

local function run(command, ...) return os.execute(command:format(...) .. " >/dev/null 2>&1") end

---@return table? disk as temp.folder gives
local function mount()
  local folder = temp.folder()
  local image, at = folder:file "image", folder:file "mounted"
  local ready = run("truncate -s %s %s && mkfs.ext4 -q %s && mkdir %s", SIZE, temp.quote(image), temp.quote(image), temp.quote(at))
  if ready and run("mount -o loop %s %s", temp.quote(image), temp.quote(at)) then
    return setmetatable({ folder = folder, path = at }, Disk)
  end
  folder:remove()
end

function Disk:file(name) return self.path .. "/" .. name end

---What was written lies on the disk, and the system remembers nothing of it.
function Disk:forget()
  assert(run("umount %s", temp.quote(self.path)))
  assert(run("mount -o loop %s %s", temp.quote(self.folder:file "image"), temp.quote(self.path)))
end

---Flips the bits of the byte after these bytes, which occur once, on the disk alone.
function Disk:flip_after(bytes)
  assert(run("sync -f %s", temp.quote(self.path)))
  local file <close> = assert(io.open(self.folder:file "image", "r+b"))
  local content = file:read "a"
  local first, last = content:find(bytes, 1, true)
  assert(first and not content:find(bytes, last, true), "the bytes must occur once")
  file:seek("set", last)
  assert(file:write(string.char(content:byte(last + 1) ~ 0xff)))
end

function Disk:close()
  assert(run("umount %s", temp.quote(self.path)))
  self.folder:remove()
end

Disk.__close = Disk.close

return { mount = mount, WHY_NOT = "only root may mount a disk" }
