---Temporary folders, and files in them.

local filo = require "filo"

local folder = {}

local function remove(self) assert(filo.run { "rm", "-rf", self.path }) end

---@return { path: string }  to be held in a `<close>` variable: removed with all that is in it
function folder.temporary()
  local made = assert(filo.run { "mktemp", "-d", (os.getenv "TMPDIR" or "/tmp") .. "/filo-bench.XXXXXX" })
  assert(made.status == 0, made.stderr)
  return setmetatable({ path = made.stdout:match "[^\n]+" }, { __close = remove })
end

---Random bytes, which the page cache holds afterwards.
---@param path string
---@param mib integer
function folder.fill(path, mib)
  local file = assert(io.open(path, "wb"))
  for _ = 1, mib do
    assert(file:write(filo.crypto.random(1 << 20)))
    filo.sleep(0)
  end
  assert(file:close())
end

---A tree of files, a hundred in each folder.
---@param path string
---@param count integer
---@param size integer  bytes of each, random ones
function folder.tree(path, count, size)
  for number = 0, count - 1 do
    local place = ("%s/%02d"):format(path, number // 100)
    if number % 100 == 0 then assert(filo.run { "mkdir", "-p", place }) end
    local file = assert(io.open(("%s/%04d"):format(place, number), "wb"))
    file:write(filo.crypto.random(size))
    file:close()
  end
end

---What comes next is not slowed down by what was before: all that was written lies on the disk, whose file system else writes it out beside
---what is measured; and so much memory was taken and given back to the system, warm: what that has not given out for a while may be ten
---times slower on virtual machines. (Where these give free memory back to their host at once, as
---/sys/module/page_reporting/parameters/page_reporting_order says, nothing stays warm: 11 there turns that off.)
---@param path string  on that file system
---@param mib integer
function folder.settle(path, mib)
  assert(filo.run { "sync", "-f", path })
  assert(filo.run { "sh", "-c", [[
    path=$(mktemp /dev/shm/filo-bench.XXXXXX) && head -c "$1M" /dev/zero > "$path"; rm -f "$path"]], "sh", tostring(mib) })
end

return folder
