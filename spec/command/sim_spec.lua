---`filo sim`: what it says, and how it ends.

local interruptible = require "spec.support.interruptible"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---Runs it on a policy of this text.
local function try(text, ...)
  local folder <close> = temp.folder()
  return process.run { "sim", folder:write("policy.lua", text), "--nodes", "3", "--hours", "1", "--seed", "1", ... }
end

describe("filo sim", function()
  it("names the option, the range and the value of a number that makes no sense", function()
    for given, expected in pairs {
      ["--nodes -3"] = "--nodes takes a whole number from 1 to 10000, not '-3'",
      ["--nodes 1.5"] = "--nodes takes a whole number from 1 to 10000, not '1.5'",
      ["--hours=-1"] = "--hours takes a number above 0 and up to 1000000, not '-1'",
      ["--seed -.5"] = "--seed takes a whole number from 0 to 9007199254740992, not '-.5'",
      ["--hours 1000000 --nodes 10000"] = "1,000,000 hours with 10,000 nodes come to some 32,086,541,666 faults, 1,000,000 at most: ",
    } do
      local words = { "sim" }
      for word in given:gmatch "%S+" do words[#words + 1] = word end
      local result = process.run(words)
      assert.equal(2, result.status)
      assert.equal("filo sim: " .. expected, result.err:sub(1, 10 + #expected))
    end
  end)

  it("has a status of its own for a policy with which nothing could be stored", function()
    local result = try("return { name = 'x', quorum = 99 }", "--faults", "none")
    assert.equal(4, result.status)
    assert.matches("\nNOT TRIED: no store has reached its quorum", result.out)
  end)

  it("tries a policy that comes with Filo, by a line of text", function()
    local function of(text, ...)
      return process.run { "sim", "--policy", text, "--nodes", "3", "--hours", "0.1", "--seed", "1", "--faults", "none", ... }
    end
    local result = of 'with({ quorum = 1 }, tagged("ssd", copies(2)))'
    assert.same({ 0, "" }, { result.status, result.err })
    assert.matches("policy '2 copies, where there is the tag 'ssd', waiting for 1'\n", result.out)
    for text, problem in pairs {
      ["copis(3)"] = "copis(3):1: filo.policy has no 'copis'; did you mean 'copies'?\n",
      ["copies(3"] = "copies(3:1: ')' expected near <eof>\n", ["5"] = "'5' must return a policy, a table of functions",
      ["copies(0)"] = "copies(0): policy.copies: an integer from 1 to 1000000 expected\n",
      ["os.exit()"] = "os.exit():1: a policy only decides: it cannot use os.exit\n",
    } do
      result = of(text)
      assert.equal(1, result.status)
      assert.equal("filo sim: " .. problem, result.err:sub(1, 10 + #problem))
    end
    assert.equal(2, of("copies(2)", "policy.lua").status)
  end)

  it("tells what a policy prints and quotes beside the report, and in no way that a terminal obeys", function()
    local result = try([[
      print("made\27[2J", {})
      return { name = "red\27[31m", place = function(object, peers)
        if object.size % 7 == 3 then error("no\27[2J") end
        return peers
      end }
    ]], "--faults", "none")
    assert.equal(1, result.status)
    assert.equal("policy: made\\x1b[2J\ttable\n", result.err:match "^[^\n]*\n")
    assert.matches("policy 'red\\x1b%[31m'", result.out)
    assert.matches("the policy failed %d+ times, first: %S+policy.lua:3: no\\x1b%[2J\n", result.out)
    assert.is_nil((result.out .. result.err):find("\27", 1, true))
  end)

  for signal, status in pairs { INT = 130, TERM = 143 } do
    it("is ended by SIG" .. signal .. " while it makes many nodes, and says how far it was", function()
      local child <close> = process.start {
        "-e", [[
          local cli, _ = require "filo.command.cli", require "filo.command.cli.sim", require "filo.sim" -- all that takes time
          print "ready"
          io.stdout:flush()
          cli.run("sim", { "--nodes", "5000", "--seed", "1" })
        ]],
      }
      child:expect "ready"
      child:kill(signal)
      local result = child:wait()
      assert.equal(status, result.status)
      assert.matches("^ready\nended before anything happened: 5,000 nodes, seed 1\n$", result.out)
      assert.equal("", result.err)
    end)
  end
end)

---Decisions may compute for long, so that it is the signal that ends one.
local PATIENT = [[
local runtime = require "filo.core.runtime"
local pinned = runtime.pinned
function runtime.pinned(_, ...) return pinned(3600, ...) end
require("filo.command.cli").run("sim", { %q, "--nodes", "4", "--hours", "1", "--seed", "2" })
]];

(interruptible and describe or pending)("filo sim of a policy that catches its interruption", function()
  it("ends with the report so far", function()
    local folder <close> = temp.folder()
    local path = folder:write("policy.lua", [[
      local count = 0
      return { name = "x", place = function(_, peers)
        count = count + 1
        if count == 50 then print "loops" end
        while count >= 50 do pcall(function() while true do end end) end
        return peers
      end }
    ]])
    local child <close> = process.start { "-e", PATIENT:format(path) }
    child:expect "loops"
    child:kill "INT"
    local result = child:wait()
    assert.equal(130, result.status)
    assert.matches("^4 nodes, ended after .* of 1 hour, seed 2", result.out)
  end)
end)

local STUCK = [[
local function find() return string.find(("a"):rep(60), (".-"):rep(30) .. "b") end
]];

(interruptible and describe or pending)("filo sim of a policy that does not come back from C", function()
  for name, text in pairs {
    ["in its file"] = STUCK .. "find()\nreturn {}",
    ["in a decision"] = STUCK .. "return { name = 'x', place = function(_, peers) if #peers == 2 then find() end return peers end }",
  } do
    it("ends, and says where, " .. name, function()
      local result = try(text, "--faults", "none")
      assert.equal(1, result.status)
      assert.matches("^filo sim: %S*policy.lua:1: stopped, and the process with it: it computed for too long", result.err)
    end)
  end
end)
