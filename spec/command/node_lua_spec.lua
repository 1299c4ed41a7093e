-- What node.lua says, and `filo serve` does not do, was passed over without a word.

local commands = require "spec.support.commands"

local function run(text)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:write("a", "node.lua", text)
  return house:run("a", "serve")
end

describe("node.lua", function()
  it("is warned of for options that filo serve decides itself", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", "return { listen = '127.0.0.1:0', log = print, root = '/elsewhere' }")
    local child = house:serve "a"
    local _, told = child:output()
    assert.matches("warning [^\n]+/node.lua: the option 'log' is not used: the log goes to stderr, as log_level says\n", told)
    assert.matches("warning [^\n]+/node.lua: the option 'root' is not used: the root is the folder that the file is in\n", told)
    house:write("a", "node.lua", "return { listen = 'nonsense' }")
    child:kill "HUP"
    child:expect "error   node.lua is not taken over, the node goes on as it is: [^\n]+/node.lua: the address \"nonsense\" has no port"
  end)

  it("is refused with a policy that filo sim refuses", function()
    for policy, problem in pairs {
      ["{ name = 'mine', quorum = -3 }"] = "policy: 'quorum' must be 0 or more, not %-3",
      ["{ quorum = 3 }"] = "policy: it has no name",
      ["{ name = 'mine',\n place = function() return 5 end }"] =
        "policy 'mine': [^\n]+:2: place must return a list of members, not 5\n$",
      ["setmetatable({}, { __index = { quorum = 2 } })"] = "policy: it must be a plain table, without a metatable",
    } do
      local result = run(("return { listen = '127.0.0.1:0', policy = %s }"):format(policy))
      assert.equal(1, result.status)
      assert.matches("node.lua: " .. problem, result.err)
      local house <close> = commands.house()
      house.folder:write("policy.lua", "return " .. policy)
      assert.equal(1, house:within("a", "sim", "policy.lua").status)
    end
  end)

  it("is refused with the name of a policy that there is not, at its line", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "node.lua", (house:read("a", "node.lua"):gsub("policy = filo.policy.everywhere", "policy = filo.policy.everywhre")))
    local result = house:run("a", "serve")
    assert.equal(1, result.status)
    assert.matches("node.lua:%d+: filo.policy has no 'everywhre'; did you mean 'everywhere'%?\n$", result.err)
  end)

  it("is refused with an error in it, and none of its texts is told", function()
    for line, told in pairs {
      ['cluster = "the secret of all'] = "unfinished string\n$", ['cluster = "a" "the secret of all"'] = "'}' expected.*\n$",
      ["cluster = hunter secretpart"] = "'}' expected.*\n$", ["cluster = 12secretpart"] = "malformed number\n$",
      ["cluster = [[the secret of all"] = "unfinished long string %(starting at line 2%) near <eof>\n$", ["listen = end"] = "near 'end'\n$",
    } do
      local result = run("return {\n" .. line .. "\n}")
      assert.equal(1, result.status)
      assert.matches("node.lua:[234]: .*" .. told, result.err)
      assert.is_nil(result.err:find("secret", 1, true))
    end
  end)

  -- With ./?.lua in package.path, node.lua ran whatever lay in the folder that filo serve was called from, as its user.
  it("requires modules from its root, and none from the working folder", function()
    local house <close> = commands.house()
    house.folder:write("words.lua", "return { 'somebody else' }")
    house.folder:write("more.lua", "return { 'somebody else' }")
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:write("a", "words.lua", "return { 'mine' }")
    house:write("a", "node.lua", [[
      io.stderr:write("words of ", require("words")[1], "\n")
      io.stderr:write(select(2, pcall(require, "more")), "\n")
      return {}]])
    local child = house:start_within("a", "serve")
    child:expect "words of mine\n"
    local told = child:expect "(module 'more' not found.-)no file '[^\n]*/more.so'\n"
    assert.is_nil(told:find("no file './", 1, true))
    assert.is_nil(told:find("somebody else", 1, true))
  end)

  it("is refused when its options are inherited", function()
    local result = run "return setmetatable({}, { __index = { listen = '127.0.0.1:0' } })"
    assert.equal(1, result.status)
    assert.matches("node.lua: it must return a plain table, without a metatable\n$", result.err)
  end)
end)
