local cli = require "filo.command.cli"
local exit = require "filo.base.exit_status"
local process = require "spec.support.process"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

describe("the manual page of the commands", function()
  it("has all commands with all their options, and no line that is taken for something else", function()
    local result = process.run { "scripts/system/filo-commands.lua" }
    assert.equal("", result.err)
    assert.equal(0, result.status)
    for _, name in ipairs(cli.NAMES) do
      local section = assert(result.out:match("\n%.Ss filo " .. name:gsub("%-", "%%-") .. "\n%.Bd %-literal\n(.-)\n%.Ed\n"), name)
      assert.is_nil(("\n" .. section):find "\n[.']")
      for option in process.run({ name, "--help" }).out:gmatch "%-%-%l[%l-]+" do
        assert.matches(option:gsub("%-", "\\-"), section, 1, true)
      end
    end
  end)
end)

describe("the exit status", function()
  it("is documented as it is, in the README and the manual", function()
    local pages = { [read "README.md"] = "\n| %d | ", [read "scripts/system/filo-commands.lua"] = "\n.it %d\n" }
    local words = {
      done = "done", failure = "failed", usage = "the command line makes no sense", not_found = "there is no such object",
      not_enough_copies = "not enough copies", not_running = "there is no running node to ask",
    }
    for name, status in pairs(exit) do
      if type(status) == "number" then
        for text, start in pairs(pages) do assert.matches(start:format(status) .. words[name], text:lower(), 1, true) end
      end
    end
  end)
end)
