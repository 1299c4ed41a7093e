local process = require "spec.support.process"
local scripts = require "spec.support.scripts"
local temp = require "spec.support.temp"

describe("each script", function()
  local list = {
    { "peer", "two or three arguments expected" },
    { "mirror-folder", "three arguments expected", 120 },
    { "two-copies-by-free-space", "three arguments or more expected" },
    { "edge-cache", "four or five arguments expected" },
  }

  it("is short, and its comment says how to run it", function()
    for _, script in ipairs(list) do
      local file <close> = assert(io.open("scripts/" .. script[1] .. ".lua"))
      local text = file:read "a"
      assert.is_true(select(2, text:gsub("\n", "")) < (script[3] or 60), script[1])
      assert.matches("^#!/usr/bin/env filo\n%-%- ", text)
    end
  end)

  it("shows its comment on wrong use, and exits with 2", function()
    for _, script in ipairs(list) do
      local result = process.run { "scripts/" .. script[1] .. ".lua" }
      assert.equal(2, result.status)
      assert.equal("", result.out)
      assert.matches(script[1] .. ".lua: " .. script[2], result.err, 1, true)
      assert.matches("FILO_SECRET_FILE=secret filo scripts/" .. script[1] .. ".lua", result.err, 1, true)
    end
  end)

  it("shows it for an address that is none", function()
    local folder <close> = scripts.folder()
    for _, case in ipairs { { "peer", "root", "127.0.0.1:0", "nonsense" }, { "mirror-folder", ".", "root", "nonsense" },
      { "two-copies-by-free-space", "root", "nonsense", "file" }, { "edge-cache", "root", "identity", "nonsense", "127.0.0.1:0" } } do
      local result = scripts.run(folder, table.unpack(case))
      assert.equal(2, result.status)
      assert.matches("^" .. case[1]:gsub("%-", "%%-") .. ".lua: [^\n]*nonsense", result.err)
    end
  end)

  it("wants a secret in a file", function()
    local folder <close> = temp.folder()
    local four = { folder:file "a", "127.0.0.1:0", "127.0.0.1:1", "127.0.0.1:0" }
    for i, count in ipairs { 2, 3, 3, 4 } do
      local command = { "scripts/" .. list[i][1] .. ".lua", table.unpack(four, 1, count) }
      local result = process.run(command)
      assert.equal(2, result.status)
      assert.matches("set FILO_SECRET_FILE to the file with the cluster secret", result.err)
      command.env = { FILO_SECRET_FILE = folder:file "absent" }
      result = process.run(command)
      assert.equal(1, result.status)
      assert.matches("cannot read the cluster secret in .*/absent: No such file", result.err)
      command.env = { FILO_SECRET_FILE = folder:write("short", "1234567\n") }
      result = process.run(command)
      assert.equal(1, result.status)
      assert.matches("the cluster secret in .*/short is too short: 8 bytes or more", result.err)
    end
  end)

  it("says why the node cannot start", function()
    local folder <close> = scripts.folder()
    folder:write("file", "not a folder")
    local result = scripts.run(folder, "peer", folder:file "file", "127.0.0.1:0")
    assert.equal(1, result.status)
    assert.matches("^peer.lua: .*/file", result.err)
    assert.is_nil(result.err:find "traceback")
  end)
end)
