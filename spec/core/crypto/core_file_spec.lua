-- A core file of a node held its keys, and any process of the same user could read them.

local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

---A sanitizer has to look into the process from outside.
local WITH_KEYS = runtime.program():find "/build/release/" and "root" or "user"

describe("a process that holds an identity", function()
  it("is closed to others, and leaves no core file; what it starts is not", function()
    local folder <close> = temp.folder()
    local script = folder:write("script.lua", [[
      local file <close> = assert(io.open "/proc/self/status")
      local me = file:read("a"):match "Uid:%s+%d+%s+(%d+)"
      ---Whether the system keeps what is the process's from its user: root owns it.
      local function owner(pid)
        local pipe <close> = io.popen("stat -c %u /proc/" .. pid .. "/environ")
        return pipe:read "l" == me and "user" or "root"
      end
      local pid = assert(io.open "/proc/self/stat"):read "n"
      print(owner(pid))
      local identity <close> = require("filo").crypto.identity_generate()
      print(owner(pid), owner "self")
    ]])
    assert(os.execute("chmod 755 " .. temp.quote(folder.path)))
    local options = { script }
    local pipe <close> = assert(io.popen "id -u")
    if pipe:read "n" == 0 then options = { program = "setpriv", "--reuid=65534", "--clear-groups", runtime.program(), script } end
    local result = process.run(options)
    assert.same({ "", "user\n" .. WITH_KEYS .. "\tuser\n" }, { result.err, result.out })
  end)
end)
