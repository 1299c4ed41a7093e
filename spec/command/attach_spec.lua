local commands = require "spec.support.commands"
local filo = require "filo"
local interruptible = require "spec.support.interruptible"
local process = require "spec.support.process"
local prompt = require "spec.support.prompt"

local GREETING = "filo " .. filo.VERSION .. " (Lua 5.4), in a running node: `node`. exit leaves, help tells more.\n"

---Calls fn(root, child, id) with a node that serves, in a process that has loaded the module before.
local function serving(fn, module)
  local house <close> = commands.house()
  house.module = module
  house:run("a", "init", "--listen", "127.0.0.1:0")
  local child, _, id = house:serve "a"
  fn(house:root "a", child, id)
end

local function piped(root, text) return process.run { "-i", "--attach", root, stdin = text } end

describe("filo -i --attach", function()
  it("evaluates lines within the running node", function()
    serving(function(root, _, id)
      local result = piped(root, "node.id\nnode:store('k', 'content').size\nfor i = 1, 2 do\nprint(i, 'x')\nend\nnode:get('k'):read 'a'\n")
      assert.same({ 0, id .. "\n7\n1\tx\n2\tx\ncontent\n", "" }, { result.status, result.out, result.err })
      result = piped(root, "error 'told'\n1 +\n2\n")
      assert.same({ 1, "3\n", "filo: stdin:1: told\n" }, { result.status, result.out, result.err })
    end)
  end)

  it("keeps what one prompt sets from the others, and leaves the node as it was", function()
    serving(function(root, child)
      local one <close> = prompt.open { "--attach", root }
      local two <close> = prompt.open { "--attach", root }
      one:type "x = 'mine'\r"
      one:expect(GREETING .. "> x = 'mine'\n>")
      two:type "x\r"
      two:expect(GREETING .. "> x\nnil\n>")
      one:type "x\r"
      one:expect(GREETING .. "> x = 'mine'\n> x\n\"mine\"\n>")
      prompt.leave(one)
      two:type "#node:peers()\r"
      two:expect "> #node:peers()\n0\n>"
      assert.is_false(child:has_ended())
    end)
  end)

  it("completes names and keys that the node has", function()
    serving(function(root)
      assert.equal(0, piped(root, "node:store('some key', 'x') known_global = 1\n").status)
      local terminal <close> = prompt.open { "--attach", root }
      terminal:type "node:ge"
      terminal:expect "> node:ge"
      terminal:type(prompt.TAB)
      terminal:expect "> node:get"
      terminal:type '"so'
      terminal:expect '> node:get"so'
      terminal:type(prompt.TAB)
      terminal:expect(GREETING .. '> node:get"some key"')
    end)
  end)

  it("leaves a wait by Ctrl-C", function()
    serving(function(root)
      local terminal <close> = prompt.open { "--attach", root }
      terminal:type "print 'waits' filo.sleep(1000)\r"
      terminal:expect_somewhere "\nwaits"
      terminal:type(prompt.INTERRUPT)
      terminal:expect_somewhere "interrupted"
      terminal:type "1 + 1\r"
      terminal:expect "> 1 + 1\n2\n>"
    end)
  end);

  (interruptible and it or pending)("stops a line that would hold up the node", function()
    serving(function(root)
      local result = piped(root, "while true do end\n1 + 1\n")
      assert.matches("stdin:1: stopped: it computed for too long without waiting", result.err)
      assert.equal("2\n", result.out)
    end, "spec.support.hasty")
  end)

  it("shows what the node tells, above the line being typed", function()
    serving(function(root)
      local terminal <close> = prompt.open { "--attach", root }
      terminal:type "node:on('stored', function(object) print('stored ' .. object.key) end) and 'on'\r"
      terminal:expect '"on"\n>'
      terminal:type "half"
      terminal:expect "> half"
      assert.equal(0, piped(root, "node:store('k', 'x')\n").status)
      terminal:expect "stored k\n> half"
    end)
  end)

  it("says when there is no node, or when it ends", function()
    serving(function(root, child)
      local terminal <close> = prompt.open { "--attach", root }
      terminal:type "1\r"
      terminal:expect "1\n>"
      child:kill "TERM"
      child:wait()
      terminal:type "2\r"
      assert.same({ 1, true }, { terminal:wait() })
      assert.matches("the node has ended", terminal:text())
      local result = piped(root, "1\n")
      assert.equal(5, result.status)
      assert.matches("no node runs on", result.err)
      assert.equal(2, process.run({ "-i", "--attach" }).status)
    end)
  end)
end)

-- A line at a prompt within a node that gave or printed more than 4 MiB ended the prompt, which said that the node had ended.

local LINES = [[
print(("x"):rep(5 << 20))
return ("x"):rep(5 << 20)
return "next"
]]

describe("a prompt within a node", function()
  it("prints what is long, says what is too long to be shown, and goes on", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    local result = house:feed(LINES, "a", "-i", "--attach", house:root "a")
    assert.is_true(result.out == ("x"):rep(5 << 20) .. "\nnext\n")
    assert.matches("5242%d+ bytes.*at most", result.err)
    assert.equal(1, result.status)
  end)
end)

-- An attached prompt whose input ended at once closed the connection before its listener had begun to read: "calling 'read' on bad self".
describe("a prompt within a node whose input is empty", function()
  it("ends without a word", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    for _, arguments in ipairs { { "-i", "--attach" }, { "--attach" } } do
      table.insert(arguments, house:root "a")
      local result = house:run("a", table.unpack(arguments))
      assert.same({ 0, "" }, { result.status, result.err })
    end
  end)
end)
