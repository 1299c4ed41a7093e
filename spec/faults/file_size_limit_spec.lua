-- A write beyond the file size limit of the process (`ulimit -f`) ended the node with SIGXFSZ.

local filo = require "filo"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local SCRIPT = [[
local filo = require "filo"
local node <close> = assert(filo.node { root = arg[1], reserve = 0, durability = "none" })
for _, content in ipairs { ("x"):rep(40000), ("x"):rep(400000) } do
  local receipt, err = node:store("large", content)
  print(receipt, err.code, err)
end
local file = assert(io.open(arg[2], "w"))
print((file:write(("x"):rep(40000))))
assert(node:store("small", "content"))
print(assert(node:get "small"):read "a")
]]

---Of 8 KiB. Who started the tests may ignore the signal; only perl can undo that.
local LIMITED = [[ulimit -f 16; exec perl -e '$SIG{XFSZ} = "DEFAULT"; exec @ARGV' "$0" "$@"]]

describe("a write beyond the file size limit of the process", function()
  it("fails, says why, and costs nothing else", function()
    local folder <close> = temp.folder()
    local script = folder:write("script.lua", SCRIPT)
    local result = process.run { program = "sh", "-c", LIMITED, filo.program,
      script, folder:file "root", folder:file "written" }
    assert.equal(0, result.status, result.err)
    local line = "nil\ttoo_large\t[^\n]*ulimit %-f[^\n]*\n"
    assert.matches("^" .. line .. line .. "nil\ncontent\n$", result.out)
  end)
end)
