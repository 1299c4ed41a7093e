local filo = require "filo"
local help = require "filo.prompt.help"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local prompt = require "spec.support.prompt"
local temp = require "spec.support.temp"

local function text(...) return tostring(help(...)) end

---The names in the first column.
local function names(page)
  local list = {}
  for name in ("\n" .. page):gmatch "\n  (%S+)" do list[#list + 1] = name end
  return list
end

---A function of a script of this text, which it returns.
local function from_script(source)
  local dir <close> = temp.folder()
  local value = assert(loadfile(dir:write("script.lua", source)))()
  return text(value)
end

describe("help", function()
  it("without anything says how to use the prompt", function()
    assert.matches("^Type Lua%..*Ctrl%-D, exit and quit leave: all\nnodes are closed%.$", text())
    assert.equal(text(), tostring(help))
  end)

  it("shows a function: how it is called, words, parameters, results", function()
    assert.equal([[
filo.sleep(seconds)

Waits. 0 gives every other task and socket a turn.

  seconds  number]], text(filo.sleep))
    assert.equal([[
filo.crypto.random(len)

Random bytes from the operating system.

  len      integer: 0 to 16777216
  returns  string?: bytes
  returns  filo.Error?: err]], text(filo.crypto.random))
  end)

  it("knows functions of Lua and C, methods and those without a name", function()
    for wanted, fn in pairs {
      ["filo.now()"] = filo.now, ["filo.policy.copies(n)"] = filo.policy.copies, ["filo.error(code, message, fields)"] = filo.error,
      ["task:join(seconds)"] = filo.spawn(print).join, ["channel:send(value, seconds)"] = filo.channel().send,
    } do
      assert.equal(wanted, text(fn):match "^[^\n]*")
    end
  end)

  it("lists what there is", function()
    local listed = {}
    for _, name in ipairs(names(text(filo))) do listed[name] = true end
    for name, member in pairs(filo) do
      assert.is_true(listed[type(member) == "function" and "filo." .. name or name], name)
    end
  end)

  it("has words for all of it", function()
    local classes = { "node", "object", "task", "channel", "connection", "listener", "hasher", "ctr", "identity", "keys", "namespace" }
    for _, topic in ipairs { filo, filo.crypto, table.unpack(classes) } do
      local page = text(topic) .. "\n  the end"
      assert.is_nil(page:match "\n  [%w_]+[.:][%w_.]+\n  [^ ]", tostring(topic))
    end
  end)

  it("shows objects by their class", function()
    local page = text(filo.channel())
    assert.matches("^A queue between tasks%.\n\n", page)
    assert.same({ "channel:send", "channel:receive", "channel:close" }, names(page))
    assert.same({ "code", "message", "peer", "key", "version", "retryable" }, names(text(select(2, filo.node { root = "/dev/null" }))))
  end)

  it("shows what a node gives", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local object <close> = assert(a:get "key")
    assert.matches("\n  node:store ", text(a))
    assert.matches("\n  object:read ", text(object))
    assert.matches("^Another node, connected", text(a:peers()[1]))
    assert.equal(text "node.store", text(b.store))
  end)

  it("shows a command as its --help does", function()
    assert.matches("^A command, for a shell:\n\nUsage: filo put %[", text "put")
    assert.matches("^node:get%(.*\n\n\nOf the command of that name, filo help get tells%.$", text "get")
    local result = process.run { "-i", stdin = "help put" }
    assert.equal(text "put" .. "\n", result.out)
  end)

  it("tells all options of a node", function()
    local _, problem = pcall(filo.node, { nothing_of_the_kind = 1 })
    local known = {}
    for name in problem:match "known are: (.*)":gmatch "[%w_]+" do known[#known + 1] = name end
    local shown = names(text "options")
    table.sort(shown)
    assert.same(known, shown)
    assert.is_truthy(text(filo.node):find("options:\n  root ", 1, true))
  end)

  it("finds names", function()
    for _, topic in ipairs { "store", "node:store", "node.store", "Node:store" } do
      assert.matches("^node:store%(key, content, given%)\n\nStores content", text(topic))
    end
    assert.equal(text(filo.sleep), text "sleep")
    assert.equal(text(filo.sleep), text "filo.sleep")
    assert.equal(text(filo.crypto.hex), text "crypto.hex")
    assert.equal(text(filo), text "filo")
  end)

  it("shows all that has a name", function()
    local page = text "close"
    for _, name in ipairs { "node", "object", "channel", "connection", "listener" } do
      assert.is_truthy(("\n" .. page):find("\n" .. name .. ":close()\n", 1, true), name)
    end
  end)

  it("says when it knows nothing", function()
    assert.equal("Nothing is called 'stoer'. help(filo) lists what there is; of commands, filo help tells.", text "stoer")
    assert.equal("Nothing is known of nil. help(filo) lists what there is.", text(nil))
    assert.equal("Nothing is known of a number. help(filo) lists what there is.", text(1))
    assert.equal("Nothing is known of this table.", text {})
    assert.equal("Nothing is known of this function.", text(load "return 1"))
    assert.matches("^string%.rep is Lua's own: https://", text(string.rep))
    assert.matches("^print is Lua's own: https://", text "print")
  end)

  it("shows what a script says of its own functions", function()
    assert.equal("twice(text, ...)\n\nSays it twice.\n\n  text     string: what is said\n  returns  string ...: all of it", from_script [[
---Says it twice.
---@param text string what is said
---@return string ... all of it
local function twice(text, ...) return text, ... end
return twice]])
    assert.equal("place(object, peers)", from_script "return ({\n  place = function(object, peers) return peers end,\n}).place")
    assert.equal("function()\n\nNameless.", from_script "---Nameless.\nreturn function() end")
  end)

  it("keeps types together, and text that is set apart as it is", function()
    assert.equal("f(fn, t)\n\nFirst line, going on.\n\n  indented  as it is\n\nAnother.\n\n"
      .. "  fn  fun(a: string, b: integer): string?: words of it\n  t   { [string]: integer } | nil: more", from_script [[
---First line,
---going on.
---
---  indented  as it is
---
---Another.
---@param fn fun(a: string, b: integer): string?  words of it
---@param t { [string]: integer } | nil more
local function f(fn, t) end
return f]])
  end)

  it("is shown as it is at the prompt and in a pipe", function()
    local page = text "sleep"
    assert.same({ status = 0, out = page .. "\n", err = "" }, process.run { "-i", stdin = "help 'sleep'\n" })
    local terminal <close> = prompt.open()
    terminal:type "help(filo.sleep)\r"
    terminal:expect("> help(filo.sleep)\n" .. page .. "\n>")
    prompt.leave(terminal)
  end)
end)
