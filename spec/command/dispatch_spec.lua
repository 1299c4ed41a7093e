local process = require "spec.support.process"
local temp = require "spec.support.temp"

local function shell(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read "a"
end

---The names of the commands, from their files.
local function names()
  local list = {}
  for name in shell("ls lua/filo/command/cli"):gmatch "([^\n]+)%.lua\n" do list[#list + 1] = name end
  assert.is_true(#list > 0)
  return list
end

describe("filo COMMAND", function()
  it("lists itself in --help, with every other", function()
    for _, option in ipairs { "--help", "-h" } do
      local result = process.run { option }
      assert.equal(0, result.status)
      assert.equal("", result.err)
      local count = select(2, result.out:gsub("\n  (%l[%l-]+) +%u[^\n]+%.%f[\n]", ""))
      assert.equal(#names(), count)
      for _, name in ipairs(names()) do assert.matches("\n  " .. name .. " ", result.out, 1, true) end
    end
  end)

  it("tells how it is used", function()
    for _, name in ipairs(names()) do
      local result = process.run { name, "--help" }
      assert.equal("", result.err)
      assert.equal(0, result.status)
      assert.equal(1, (result.out:find("Usage: filo " .. name .. " ", 1, true)))
    end
  end)

  it("exits with 2 for a wrong use, and says what is wrong", function()
    local result = process.run { "version", "--jsn" }
    assert.equal(2, result.status)
    assert.equal("", result.out)
    assert.matches("^filo version: unknown option '%-%-jsn'\nDid you mean '%-%-json'%?\nUsage: filo version ", result.err)
  end)

  it("exits with 2 when there is none of that name, and names the nearest", function()
    local result = process.run { "versoin" }
    assert.equal(2, result.status)
    assert.equal("", result.out)
    assert.equal("filo: there is no command 'versoin'. Did you mean 'version'?\n"
      .. "All commands: filo --help. A script is named as a file: filo ./versoin\n", result.err)
    assert.is_nil(process.run({ "xylophone" }).err:find "Did you mean")
  end)

  it("is no script of that name, which runs when it is named as a file", function()
    local dir <close> = temp.folder()
    dir:write("version", "print('a script', ...)")
    dir:write("other", "print('another', ...)")
    assert.matches("^filo %d", process.run({ "version", cwd = dir.path }).out)
    assert.equal("a script\tx\n", process.run({ "./version", "x", cwd = dir.path }).out)
    assert.equal("a script\tx\n", process.run({ "--", "version", "x", cwd = dir.path }).out)
    assert.equal(2, process.run({ "other", cwd = dir.path }).status)
  end)

  it("is refused with -i, which prompts after a script", function()
    local result = process.run { "-i", "version" }
    assert.equal(2, result.status)
    assert.equal("", result.out)
    assert.matches("^filo: '%-i' goes with a script, and 'version' is a command\nusage: filo ", result.err)
  end)

  it("says when its output cannot be written", function()
    local dir <close> = temp.folder()
    local filo = temp.quote(require("filo").program)
    local status = shell(("%s version >/dev/full 2>%s; echo $?"):format(filo, dir:file "err"))
    assert.equal("1\n", status)
    assert.matches("^filo version: cannot write its output: No space left", dir:read "err")
    shell(("{ %s completions bash 2>%s; echo $? >%s; } | true"):format(filo, dir:file "err", dir:file "status"))
    assert.equal("", dir:read "err")
  end)
end)

describe("filo completions", function()
  ---What bash offers for a line.
  local function offered(line)
    local script = [[
      source <("$1" completions bash)
      read -ra COMP_WORDS <<< "$2"
      [ "${2: -1}" = " " ] && COMP_WORDS+=("")
      COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      _filo && printf '%s\n' "${COMPREPLY[@]}"
    ]]
    return process.run({ program = "bash", "-c", script, "bash", require("filo").program, line }).out
  end

  it("complete commands and their options in bash", function()
    assert.equal("init\ninvite\n", offered "filo in")
    assert.matches("\n--listen\n", "\n" .. offered "filo init --l", 1, true)
    assert.equal("\n", offered "filo init x")
  end)

  it("are there for zsh and fish", function()
    for shell_name, start in pairs { zsh = "#compdef filo\n", fish = "" } do
      local result = process.run { "completions", shell_name }
      assert.equal(0, result.status)
      assert.equal(start, result.out:sub(1, #start))
      for _, name in ipairs(names()) do assert.matches(name, result.out, 1, true) end
    end
    assert.equal(2, process.run({ "completions", "tcsh" }).status)
  end)
end)
