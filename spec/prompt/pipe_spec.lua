local process = require "spec.support.process"
local runtime = require "filo.core.runtime"
local temp = require "spec.support.temp"

local function piped(text, ...) return process.run { "-i", stdin = text, ... } end

describe("filo -i in a pipe", function()
  it("prints results, without prompt or colours", function()
    assert.same({ status = 0, out = "2\n", err = "" }, piped "return 1+1\n")
    assert.same({ status = 0, out = "2\n3\t{ 4 }\n", err = "" }, piped "1+1\n3, {4}\n")
    assert.same({ status = 0, out = "2\n3\n", err = "" }, piped "=1+1\n=1 +\n2\n")
  end)

  it("prints strings as they are", function()
    assert.equal("two\nlines\n", piped("'two\\nlines'").out)
  end)

  it("prints nothing for statements and for no values", function()
    assert.same({ status = 0, out = "", err = "" }, piped "x = 1\n\n-- nothing\nreturn\n")
  end)

  it("reads lines until they make a chunk", function()
    assert.equal("1\n2\n", piped("for i = 1, 2 do\n  print(i)\nend\n").out)
    assert.equal("{ 1, 2 }\n", piped("{ 1,\n2 }\n").out)
    assert.equal("a\nb\n", piped("[[a\nb]]\n").out)
    assert.equal("3\n", piped("1 +\n2").out)
  end)

  it("goes on after an error, which it names, and exits with 1", function()
    local result = piped "x = = 1\nerror 'boom'\nprint 'on'\n"
    assert.same({ 1, "on\n" }, { result.status, result.out })
    assert.equal("filo: stdin:1: unexpected symbol near '='\nfilo: stdin:2: boom\n", result.err)
  end)

  it("shows the calls that led to an error, but not its own", function()
    local result = piped "function f() local x = nil + 1 end\nfunction g() f() end\ng()\n"
    assert.equal("filo: stdin:1: attempt to perform arithmetic on a nil value\n"
      .. "\tstdin:1: in function 'f'\n\tstdin:2: in function 'g'\n", result.err)
  end)

  -- They were said to be in filo/prompt/evaluator.lua, with lines of Filo's own below.
  it("tells of a wrong argument at the line that gave it", function()
    local result = piped "filo.sleep('x')\n\nfilo.node { root = 5 }\nfunction f() local x = filo.sleep(-1) end\nf()\nstring.rep()\n"
    assert.equal([[
filo: stdin:1: sleep: a number of seconds expected
filo: stdin:3: filo.node: option 'root' must be a string, not a number
filo: stdin:4: sleep: seconds must be 0 or more
	stdin:4: in function 'f'
filo: stdin:6: bad argument #1 to 'rep' (string expected, got no value)
]], result.err)
  end)

  it("shows errors of every kind", function()
    assert.equal("filo: error: { code = 1 }\n", piped("error { code = 1 }").err)
    assert.equal("filo: error: nil\n", piped("error()").err)
    assert.equal("filo: told\n", piped("error(setmetatable({}, { __tostring = function() return 'told' end }))").err)
    assert.equal("filo: a?[2J\n", piped("error('a\\27[2J', 0)").err)
  end)

  it("says when the input ends in the middle of a chunk", function()
    local result = piped "print 'before'\nfor i = 1, 2 do"
    assert.same({ 1, "before\n" }, { result.status, result.out })
    assert.equal("filo: stdin:2: 'end' expected near <eof>\n", result.err)
  end)

  it("knows filo, and waits at the prompt", function()
    assert.equal("done\n", piped("filo.sleep(0.01) print 'done'").out)
    assert.equal("5\n", piped("t = filo.spawn(function() filo.sleep(0.01) return 5 end)\nt:join()").out)
  end)

  it("runs a script first, and then has its globals", function()
    local dir <close> = temp.folder()
    local script = dir:write("script.lua", "value = ... .. '!' print 'script'")
    local result = process.run { "-i", script, "argument", stdin = "value\narg[1]\n" }
    assert.same({ status = 0, out = "script\nargument!\nargument\n", err = "" }, result)
  end)

  it("lets the node go on while the pipe waits", function()
    local dir <close> = temp.folder()
    dir:write("script.lua", "io.stdout:setvbuf 'no' filo.spawn(function() filo.sleep(0.05) print 'done' end)")
    local command = ("cd %s; { while ! grep -q done out; do sleep 0.05; done; echo '\"last\"'; } | %s -l filo -i script.lua >out"):format(
      dir.path, temp.quote(runtime.program()))
    dir:write("out", "")
    assert.equal(0, process.run({ program = "sh", "-c", command }).status)
    assert.equal("done\nlast\n", dir:read "out")
  end)

  it("reads what cannot be waited for", function()
    assert.same({ status = 0, out = "", err = "" }, process.run { "-i" }) -- /dev/null
  end)

  it("ends by SIGINT and SIGTERM as a script does", function()
    for signal, status in pairs { INT = 130, TERM = 143 } do
      local child <close> = process.start { "-i", stdin = "print 'ready' io.stdout:flush() filo.sleep(1000)\n" }
      child:expect "ready"
      child:kill(signal)
      assert.equal(status, child:wait().status)
    end
  end)
end)

-- The prompt went on for as long as there was input when nobody read what it wrote any more.
describe("filo -i into a pipe that is closed", function()
  it("ends without a word", function()
    local command = ("{ yes 1 2>/dev/null | %s -i; echo $? >&2; } | head -1"):format(temp.quote(runtime.program()))
    local result = process.run { program = "sh", "-c", command, seconds = 20 }
    assert.same({ status = 0, out = "1\n", err = "1\n" }, result)
  end)

  it("says why when it cannot write for another reason", function()
    local command = temp.quote(runtime.program()) .. " -i >/dev/full"
    local result = process.run { program = "sh", "-c", command, stdin = "1\n2\n" }
    assert.same({ 1, "filo: cannot write what a line gave: No space left on device\n" }, { result.status, result.err })
  end)
end)
