-- `{ read line; filo put - --key k; } < file` stored the whole file, not what was left of it: regular files are read by offset.

local commands = require "spec.support.commands"
local filo = require "filo"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

describe("standard input that somebody has read from", function()
  it("is stored from there on", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    local rest = nodes.bytes(3 << 20)
    local path = house.folder:write("file", "first line\n" .. rest)
    local line = ("export FILO_ROOT=%s; { head -c 11 > /dev/null; %s put - --key k --quiet; } < %s"):format(
      temp.quote(house:root "a"), temp.quote(filo.program), temp.quote(path))
    local result = process.run { program = "/bin/sh", "-c", line }
    assert.same({ 0, "" }, { result.status, result.err })
    assert.equal(0, house:run("a", "get", "k", "--output", house.folder:file "back").status)
    assert.is_true(rest == house.folder:read "back")
  end)
end)
