-- What cannot be read was told of by a part of its name ("cannot read 000000000000000c"), which says nobody where to look.

local deaf = require "spec.support.deaf"
local temp = require "spec.support.temp"

local NODE = [[
  local filo = require "filo"
  local node <close> = assert(filo.node { root = arg[1], log = function() end })
]]

local function run(folder, fails, code)
  return (deaf.run(folder, fails, NODE .. code, folder:file "root"):gsub(folder.path, "FOLDER", nil))
end

describe("what cannot be read", function()
  it("is told of with its whole path when it is being stored", function()
    local folder <close> = temp.folder()
    local hashes_at = 2 << 20
    local out = run(folder, "pread64@" .. hashes_at, [[print(select(2, node:store("key", ("x"):rep(2 << 20))))]])
    assert.matches("cannot read FOLDER/root/tmp/%x+: Input/output error\n$", out)
  end)

  it("is told of with its whole path when it lies in the root", function()
    local folder <close> = temp.folder()
    run(folder, "", [[assert(node:store("key", "content"))]])
    for _, call in ipairs { "stat", "get", "verify" } do
      local out = run(folder, "pread64@0", ([[print(select(2, node:%s "key"))]]):format(call))
      assert.matches("cannot read FOLDER/root/objects/%x+/%x+/%x+: Input/output error", out)
    end
  end)
end)
