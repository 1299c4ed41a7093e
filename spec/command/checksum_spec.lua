---`filo get --checksum`: what is there already is the same only when its content is.

local commands = require "spec.support.commands"
local nodes = require "spec.support.nodes"
local temp = require "spec.support.temp"

-- A file that was damaged where it lies, and kept its size and time, was taken for what is stored; nothing but -f on all mended it.

---Calls fn(run, shell, house) with a node that serves, and has the tree "d", which "out" has, too. run(...) and shell(commands) work in
---the house's folder.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  local function run(...)
    local result = house:within("a", ...)
    return { result.status, result.out, result.err }
  end
  local function shell(text) return house:shell(text) end
  shell "mkdir d; echo one > d/a; : > d/empty; ln -s a d/link; head -c 2M /dev/zero > d/zeros"
  shell "{ head -c 3145727 /dev/urandom; echo; } > d/large" -- what damages it writes another last byte
  assert.equal(0, run("put", "-q", "-r", "d")[1])
  assert.equal(0, run("get", "-r", "d", "-d", "out")[1])
  fn(run, shell, house)
end

---Changes a byte of a file, which keeps its size and time.
local function damage(shell, path, at)
  shell(("touch -r %s stamp; printf X | dd of=%s bs=1 seek=%d conv=notrunc status=none; touch -r stamp %s"):format(path, path, at, path))
end

describe("filo get --checksum", function()
  it("finds what was damaged, and with -f writes that again, and nothing else", function()
    serving(function(run, shell)
      assert.same({ 0, "out/d/  folder\n", "" }, run("get", "-r", "-c", "d", "-d", "out"))
      damage(shell, "out/d/large", (3 << 20) - 1)
      damage(shell, "out/d/zeros", 1 << 20)
      assert.same({ 0, "out/d/  folder\n", "" }, run("get", "-r", "d", "-d", "out"))
      local told = "filo get: out/d/large has not the content that is stored: -f replaces it\n"
        .. "filo get: out/d/zeros has not the content that is stored: -f replaces it\nfilo get: 2 of 6 failed\n"
      assert.same({ 1, "out/d/  folder\n", told }, run("get", "-r", "-c", "d", "-d", "out"))
      assert.equal("differ differ\n", shell "for i in large zeros; do cmp -s d/$i out/d/$i || echo -n 'differ '; done | sed 's/ $//'; echo")
      assert.same({ 0, "out/d/  folder\nout/d/large  3.0 MiB\nout/d/zeros  2.0 MiB\n", "" },
        run("get", "-r", "-f", "--checksum", "d", "-d", "out"))
      assert.equal("", shell "cmp d/large out/d/large; cmp d/zeros out/d/zeros")
    end)
  end)

  it("is for single objects, too", function()
    serving(function(run, shell)
      assert.same({ 0, "", "" }, run("get", "-c", "d/a", "-o", "out/d/a"))
      damage(shell, "out/d/a", 0)
      assert.same({ 1, "", "filo get: out/d/a has not the content that is stored: -f replaces it\n" }, run("get", "-c", "d/a", "-d", "out"))
      shell "touch -d 2020-01-01 out/d/a"
      assert.same({ 1, "", "filo get: out/d/a is there already: -f replaces it\n" }, run("get", "-c", "d/a", "-d", "out"))
      assert.same({ 0, "out/d/a  4 B\n", "" }, run("get", "-c", "-f", "d/a", "-d", "out"))
      assert.equal("one\n", shell "cat out/d/a")
    end)
  end)

  it("reads a good copy of what has rotted here", function()
    local house <close> = commands.house()
    local _, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve("b"):expect "is connected"
    house.folder:write("f", nodes.bytes(2 << 20))
    assert.equal(0, house:within("b", "put", "f").status)
    local pipe <close> = io.popen(("find %s -size +1M"):format(temp.quote(house:root "b" .. "/objects")))
    nodes.flip(pipe:read "l", 1 << 20)
    local result = house:within("b", "get", "-c", "f")
    assert.same({ 0, "" }, { result.status, result.out })
    assert.matches("a copy here is bad", result.err)
  end)
end)
