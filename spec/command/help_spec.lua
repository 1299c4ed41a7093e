local process = require "spec.support.process"
local temp = require "spec.support.temp"

describe("filo help", function()
  it("lists the commands without a topic", function()
    local result = process.run { "help" }
    assert.equal(0, result.status)
    assert.matches(result.out, process.run({ "--help" }).out, 1, true)
  end)

  it("explains a command as its --help does", function()
    assert.equal(process.run({ "invite", "--help" }).out, process.run({ "help", "invite" }).out)
  end)

  it("shows the first comment of a script, which is not run", function()
    local dir <close> = temp.folder()
    dir:write("move.lua", "#!/usr/bin/env filo\n---Moves things.\n--\n--   filo move.lua FROM\n\n-- not this\nprint 'run'\n(")
    dir:write("bare", "-- No code")
    for script, out in pairs { ["move.lua"] = "Moves things.\n\n  filo move.lua FROM\n", ["./bare"] = "No code\n" } do
      assert.same({ status = 0, err = "", out = out }, process.run { "help", script, cwd = dir.path })
    end
  end)

  it("explains what scripts use, as the prompt's help does", function()
    for topic, told in pairs {
      options = "\n  bootstrap +%S", ["node:store"] = "^node:store%(key, content", ["crypto.random"] = "^filo.crypto.random%(",
    } do
      local result = process.run { "help", topic }
      assert.equal("", result.err)
      assert.equal(0, result.status)
      assert.matches(told, result.out)
    end
  end)

  it("says what it does not know", function()
    local dir <close> = temp.folder()
    dir:write("silent.lua", "print 'x' -- a comment")
    for topic, told in pairs {
      invitte = "there is no help on 'invitte'. Did you mean 'invite'? A script is named as a file: filo help ./invitte",
      ["none.lua"] = "there is no such script: none.lua: No such file or directory",
      ["silent.lua"] = "silent.lua does not start with a comment that says what it does",
      ["./"] = "there is no such script: ./: Is a directory",
    } do
      local result = process.run { "help", topic, cwd = dir.path }
      assert.same({ status = 1, out = "", err = "filo help: " .. told .. "\n" }, result)
    end
  end)
end)
