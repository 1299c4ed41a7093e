---`filo sim`: what it says, and how it ends.

local interruptible = require "spec.support.interruptible"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

---Runs it on a policy of this text.
local function try(text, ...)
  local folder <close> = temp.folder()
  return process.run { "sim", folder:write("policy.lua", text), "--nodes", "3", "--hours", "1", "--seed", "1", ... }
end

local STUCK = [[
local function find() return string.find(("a"):rep(60), (".-"):rep(30) .. "b") end
]];

(interruptible and describe or pending)("filo sim of a policy that does not come back from C", function()
  for name, text in pairs {
    ["in its file"] = STUCK .. "find()\nreturn {}",
    ["in a decision"] = STUCK .. "return { place = function(_, peers) if #peers == 2 then find() end return peers end }",
  } do
    it("ends, and says where, " .. name, function()
      local result = try(text, "--faults", "none")
      assert.equal(1, result.status)
      assert.matches("^filo sim: %S*policy.lua:1: stopped, and the process with it: it computed for too long", result.err)
    end)
  end
end)
