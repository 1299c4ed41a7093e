local filo = require "filo"
local interruptible = require "spec.support.interruptible"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local prompt = require "spec.support.prompt"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

local GREETING = "filo " .. filo.VERSION .. " (Lua 5.4). exit leaves, help tells more.\n"

local INTERRUPT, TAB, CLEAR, UP, LEFT = prompt.INTERRUPT, prompt.TAB, prompt.CLEAR, prompt.UP, prompt.LEFT
local HOME, BACKSPACE, ESCAPE, SEARCH = prompt.HOME, prompt.BACKSPACE, prompt.ESCAPE, prompt.SEARCH
local leave = prompt.leave

describe("the prompt", function()
  it("greets, evaluates and leaves", function()
    local terminal <close> = prompt.open()
    assert.equal(GREETING .. ">", terminal:text())
    terminal:type "1 + 1, 'text'\r"
    terminal:expect "> 1 + 1, 'text'\n2       \"text\"\n>"
    terminal:type "for i = 1, 2 do\r"
    terminal:expect ">>"
    terminal:type "print(i) end\r"
    terminal:expect ">> print(i) end\n1\n2\n>"
    leave(terminal)
    assert.matches("> %^D\n", terminal:text() .. "\n")
  end)

  it("shows errors and stays", function()
    local terminal <close> = prompt.open()
    terminal:type "error 'boom'\r"
    terminal:expect "> error 'boom'\nstdin:1: boom\n>"
    terminal:type "x = = 1\r"
    terminal:expect "> x = = 1\nstdin:1: unexpected symbol near '='\n>"
    leave(terminal)
  end)

  it("shows errors in red, unless NO_COLOR says not to", function()
    for no_color, red in pairs { [""] = true, ["1"] = false } do
      local terminal <close> = prompt.open { env = { NO_COLOR = no_color } }
      terminal:type "error 'boom'\r"
      terminal:expect "stdin:1: boom\n>"
      leave(terminal)
      assert.equal(red, terminal:written():find("\27[31mstdin:1: boom\27[0m", 1, true) ~= nil)
    end
  end)

  it("has help", function()
    local terminal <close> = prompt.open()
    terminal:type "help\r"
    terminal:expect_somewhere "exit and quit leave: all\nnodes are closed.\n>"
    terminal:type "help delete\r"
    terminal:expect_somewhere "> help delete\nnode:delete(key"
    terminal:expect_somewhere "filo.Error?\n>"
    leave(terminal)
  end)

  it("is left by exit and quit, unless that is a name of one's own", function()
    for _, word in ipairs { "exit", "quit", " exit() ;" } do
      local terminal <close> = prompt.open()
      terminal:type(word .. "\r")
      assert.equal(0, terminal:wait())
    end
    local terminal <close> = prompt.open()
    terminal:type "quit = 5\r"
    terminal:type "quit\r"
    terminal:expect "> quit\n5\n>"
    leave(terminal)
  end)

  it("shows no nil where there was no error", function()
    local terminal <close> = prompt.open()
    terminal:type "1, nil, nil\r"
    terminal:expect "> 1, nil, nil\n1\n>"
    terminal:type "nil, 'why'\r"
    terminal:expect "> nil, 'why'\nnil     \"why\"\n>"
    terminal:type "nil, nil\r"
    terminal:expect "> nil, nil\nnil\n>"
    leave(terminal)
  end)

  -- Each line of a script that was pasted was run by itself: its local function was gone in the next.
  it("runs what is pasted as one chunk, and recalls it whole", function()
    local home <close> = temp.folder()
    local first <close> = prompt.open { home = home.path }
    first:type "\27[200~local function f(x)\r\treturn 2 * x\rend\nprint(f(21))\n\27[201~"
    first:expect "> local function f(x)\n        return 2 * x\nend\nprint(f(21))"
    first:type "\r"
    first:expect "print(f(21))\n42\n>"
    leave(first)
    local second <close> = prompt.open { home = home.path }
    second:type(UP .. "\r")
    second:expect "> local function f(x)\n        return 2 * x\nend\nprint(f(21))\n42\n>"
    second:type "\27[200~1 + 1\27[201~ + 1\r"
    second:expect "> 1 + 1 + 1\n3\n>"
    leave(second)
  end)

  it("edits lines of UTF-8", function()
    local terminal <close> = prompt.open()
    terminal:type("x = 'grün 漢字'" .. LEFT .. BACKSPACE .. "語\r")
    terminal:expect "> x = 'grün 漢語'\n>"
    terminal:type("x .. '!'" .. HOME .. "#\r")
    terminal:expect "> #x .. '!'\n\"12!\"\n>"
    terminal:type "x\r"
    terminal:expect "> x\n\"grün 漢語\"\n>"
    terminal:type "'\xff'\r"
    terminal:expect "\"\u{fffd}\"\n>"
    leave(terminal)
  end)

  it("edits lines that are longer than the terminal is wide", function()
    local terminal <close> = prompt.open { columns = 30 }
    local line = ("abcdefghij"):rep(6)
    terminal:type("'" .. line .. "'" .. HOME .. "#" .. "\r")
    terminal:expect "60\n>"
    leave(terminal)
  end)

  it("takes many lines at once, with tabs", function()
    local terminal <close> = prompt.open()
    terminal:type "if true then\r\tx = '\t'\rend\r#x\r"
    terminal:expect "> #x\n1\n>"
    leave(terminal)
  end)

  it("completes names", function()
    local terminal <close> = prompt.open()
    terminal:type("filo.sl" .. TAB)
    terminal:expect "> filo.sleep"
    terminal:type(CLEAR .. "string.rep:l" .. CLEAR .. "filo.s" .. TAB)
    terminal:expect "sleep  spawn  start\n> filo.s"
    terminal:type("p" .. TAB)
    terminal:expect "sleep  spawn  start\n> filo.spawn"
    terminal:type(CLEAR .. "unknown.x" .. TAB)
    terminal:expect "> unknown.x"
    terminal:type(CLEAR)
    terminal:expect ">"
    leave(terminal)
  end)

  it("completes the keys of a node's objects", function()
    local dir <close> = temp.folder()
    local terminal <close> = prompt.open()
    terminal:type(("node = filo.node { root = '%s', reserve = 0, durability = 'none', log = print }\r"):format(dir:file "root"))
    terminal:type "for _, key in ipairs { 'photos/漢字.jpg', 'photos/漢語.jpg', 'notes' } do node:store(key, key) end\r"
    terminal:type("node:get('pho" .. TAB)
    terminal:expect "> node:get('photos/漢"
    terminal:type(TAB)
    terminal:expect "photos/漢字.jpg  photos/漢語.jpg\n> node:get('photos/漢"
    terminal:type("語" .. TAB)
    terminal:expect "> node:get('photos/漢語.jpg'"
    terminal:type "):read 'a'\r"
    terminal:expect "\"photos/漢語.jpg\"\n>"
    leave(terminal)
  end)

  it("remembers lines, across runs too", function()
    local home <close> = temp.folder()
    do
      local terminal <close> = prompt.open { home = home.path }
      terminal:type "first = 1\r second = 2\r'grün'\r"
      terminal:expect "\"grün\"\n>"
      terminal:type(UP)
      terminal:expect "> 'grün'"
      terminal:type(UP)
      terminal:expect "> first = 1"
      terminal:type(CLEAR)
      terminal:expect ">"
      leave(terminal)
    end
    assert.equal("first = 1\n'grün'\n", home:read ".local/state/filo/history")
    local pipe <close> = assert(io.popen("stat -c %a " .. home:file ".local/state/filo/history"))
    assert.equal("600", pipe:read "l")
    local terminal <close> = prompt.open { home = home.path }
    terminal:type(UP .. UP)
    terminal:expect "> first = 1"
    terminal:type "\r"
    terminal:expect "> first = 1\n>"
    terminal:type(SEARCH .. "gr")
    terminal:expect_somewhere "bck:gr"
    terminal:type "\r"
    terminal:expect "\"grün\"\n>"
    leave(terminal)
  end)

  it("keeps its history in XDG_STATE_HOME, and does without one that cannot be written", function()
    local dir <close> = temp.folder()
    do
      local terminal <close> = prompt.open { env = { XDG_STATE_HOME = dir.path } }
      terminal:type "1\r"
      terminal:expect "1\n>"
      leave(terminal)
    end
    assert.equal("1\n", dir:read "filo/history")
    local terminal <close> = prompt.open { env = { XDG_STATE_HOME = dir:file "filo/history" } }
    terminal:expect_somewhere "lines will not be remembered: "
    leave(terminal)
  end)

  it("drops the line at Ctrl-C", function()
    local terminal <close> = prompt.open()
    terminal:type "this is not Lua"
    terminal:expect "> this is not Lua"
    terminal:type(INTERRUPT)
    terminal:expect "> this is not Lua^C\n>"
    terminal:type "function f(\r"
    terminal:expect ">>"
    terminal:type(INTERRUPT)
    terminal:expect ">> ^C\n>"
    terminal:type "1\r"
    terminal:expect "> 1\n1\n>"
    leave(terminal)
  end)

  it("leaves a wait at Ctrl-C", function()
    local terminal <close> = prompt.open()
    terminal:type "filo.sleep(1000)\r"
    terminal:expect "> filo.sleep(1000)"
    terminal:type(INTERRUPT)
    terminal:expect "^Cinterrupted\n>"
    terminal:type "1\r"
    terminal:expect "> 1\n1\n>"
    leave(terminal)
  end);

  (interruptible and it or pending)("interrupts a computation at Ctrl-C", function()
    local terminal <close> = prompt.open()
    terminal:type "while true do end\r"
    terminal:expect "> while true do end"
    terminal:type(INTERRUPT)
    terminal:expect "^Cstdin:1: interrupted\n>"
    leave(terminal)
  end);

  (interruptible and it or pending)("ends a computation at Ctrl-C that catches its interruption", function()
    local terminal <close> = prompt.open()
    terminal:type "while true do pcall(function() while true do end end) end\r"
    terminal:expect "> while true do pcall(function() while true do end end) end"
    terminal:type(INTERRUPT)
    terminal:expect "^Cstdin:1: interrupted\n>"
    terminal:type "1\r"
    terminal:expect "> 1\n1\n>"
    leave(terminal)
  end)

  it("leaves a line to itself that will not stop", function()
    local terminal <close> = prompt.open()
    terminal:type "for i = 1, 4 do print(i) n = i pcall(filo.sleep, 1000) end\r"
    for i = 1, 3 do
      terminal:expect_somewhere("\n" .. ("^C"):rep(i > 1 and 1 or 0) .. i)
      runtime.sleep(0.05)
      terminal:type(INTERRUPT)
    end
    terminal:expect "^C4\nthis line does not stop; it goes on in the background\n>"
    terminal:type "n\r"
    terminal:expect "> n\n4\n>"
    leave(terminal)
  end)

  it("shows what others print above the line being typed", function()
    local terminal <close> = prompt.open { columns = 40 }
    terminal:type "function later() filo.sleep(0.3) print(('x'):rep(50)) io.write 'half '\r"
    terminal:type "io.flush() filo.sleep(0.05) io.stderr:write 'and half\\n' end\r"
    terminal:type "filo.spawn(later) and nil\r"
    terminal:expect "nil\n>"
    local line = "this is a line that goes over two rows: ünï"
    terminal:type(line)
    terminal:expect(("x"):rep(40) .. "\n" .. ("x"):rep(10) .. "\nhalf and half\n> " .. line:sub(1, 38) .. "\n" .. line:sub(39))
    terminal:type(CLEAR)
    leave(terminal)
  end)

  it("keeps what is started alive between lines, and ends it when it leaves", function()
    local terminal <close> = prompt.open()
    terminal:type "closing = setmetatable({}, { __close = function() print 'closed' end })\r"
    terminal:type "t = filo.spawn(function() local _ <close> = closing filo.sleep(1000) end)\r"
    terminal:type "filo.sleep(0.05)\rt:status()\r"
    terminal:expect "\"waiting\"\n>"
    leave(terminal)
    assert.matches("closed$", terminal:text())
  end)

  it("lets a node serve while it waits", function()
    local dir <close> = temp.folder()
    local terminal <close> = prompt.open()
    terminal:type(("options = { root = '%s', listen = '127.0.0.1:0', reserve = 0 }\r"):format(dir:file "served"))
    terminal:type "options.cluster = 'a secret of the test'\rnode = filo.node(options)\r"
    terminal:type "node:on('peer_up', function() print 'a peer came' end)\r"
    terminal:type "node:on('accepted', function(offer) print(offer.size .. ' bytes came') end)\r"
    terminal:type "node:handle('greet', function(name) print(name .. ' asks') return 'hello ' .. name end)\rnode.address\r"
    terminal:expect_somewhere "\n\"127.0.0.1:"
    terminal:type "half a line"
    terminal:expect "> half a line"
    local address = terminal:text():match "\n\"(127.0.0.1:%d+)\"\n"
    local node <close> = assert(filo.node {
      root = dir:file "own", cluster = "a secret of the test", reserve = 0, durability = "none", log = function() end,
    })
    local peer = assert(node:connect(address))
    terminal:expect "a peer came\n> half a line"
    terminal:type ", and more"
    terminal:expect "a peer came\n> half a line, and more"
    assert.equal("hello you", assert(node:request(peer, "greet", "you")))
    assert(node:store("key", "12345"))
    terminal:expect "a peer came\nyou asks\n5 bytes came\n> half a line, and more"
    terminal:type(CLEAR)
    leave(terminal)
    nodes.peers(node, 0)
  end)

  it("follows the size of the terminal", function()
    local terminal <close> = prompt.open { columns = 60 }
    terminal:type "'some text'"
    terminal:expect "> 'some text'"
    local before = #terminal:written()
    terminal:resize(20, 30)
    terminal:wait_until(function() return #terminal:written() > before end, "the line drawn anew")
    terminal:type((" .. 'more'"):rep(3) .. "\r")
    terminal:expect "\"some textmoremoremore\"\n>"
    leave(terminal)
  end)

  it("waits for the rest of a key", function()
    local terminal <close> = prompt.open()
    terminal:type("filo.spawn(function() filo.sleep(0.2) print 'ran' end) and nil\r")
    terminal:expect "nil\n>"
    terminal:type("ab" .. ESCAPE)
    terminal:expect "ran\n> ab"
    terminal:type("[DX" .. CLEAR)
    terminal:type("'\xc3")
    runtime.sleep(0.05)
    terminal:type("\xbc'\r")
    terminal:expect "\"ü\"\n>"
    leave(terminal)
  end)

  it("restores the terminal however it ends", function()
    for keys, wanted in pairs {
      ["os.exit(3)\r"] = 3, ["os.exit(4, true)\r"] = 4, ["filo.spawn(os.exit, 5)\r"] = 5,
      ["filo.spawn(function() filo.sleep(0.1) os.exit(6, true) end)\r"] = 6,
      ["filo.spawn(function() filo.sleep(0.1) os.exit(7) end)\r"] = 7,
    } do
      local terminal <close> = prompt.open()
      terminal:type(keys)
      assert.same({ wanted, true }, { terminal:wait() })
    end
  end)

  it("restores the terminal when a signal ends it", function()
    for _, keys in ipairs { "half a line", "filo.sleep(1000)\r" } do
      local terminal <close> = prompt.open()
      terminal:type(keys)
      terminal:expect_somewhere(keys:sub(1, 5))
      runtime.sleep(0.05)
      terminal:kill "TERM"
      assert.same({ 143, true }, { terminal:wait() })
    end
  end)

  it("ends when the terminal is gone", function()
    local terminal <close> = prompt.open()
    terminal:type "x = 1"
    terminal:expect "> x = 1"
    terminal.child:kill "KILL"
    local pid = terminal.folder:read("pid"):match "%d+"
    nodes.wait(function() return process.has_ended(pid) end, "end of the prompt", 20)
  end)

  it("prompts after a script, with its globals", function()
    local dir <close> = temp.folder()
    local terminal <close> = prompt.open { dir:write("script.lua", "value = 42 print 'script'") }
    assert.equal("script\n" .. GREETING .. ">", terminal:text())
    terminal:type "value\r"
    terminal:expect "> value\n42\n>"
    leave(terminal)
  end)
end)
