---`filo get -r` once more, over what it has made before.

local commands = require "spec.support.commands"
local mortal = require "spec.support.mortal"
local nodes = require "spec.support.nodes"
local process = require "spec.support.process"

-- Folders that their owner may not write to, or enter, were those that a second `get -r` failed at: it had made them so itself.

---Calls fn(run, shell, start) with a node that serves. run(...) and start(...) have no more rights than modes of files give them; they and
---shell(commands) work in the house's folder.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  local function options(...) return mortal { cwd = house.folder.path, env = { FILO_ROOT = house:root "a" }, ... } end
  local function run(...)
    local result = process.run(options(...))
    return { result.status, result.err }
  end
  local function start(...) return process.start(options(...)) end
  local function shell(text) return house:shell(text) end
  fn(run, shell, start)
  shell "chmod -R u+rwx d out" -- so that they can be removed
end

---Stores a tree with a folder that is for reading only, and two, one in the other, that are for nothing.
local function store(run, shell)
  shell "mkdir -p d/read d/closed/inner; echo one > d/read/f; echo two > d/closed/f; echo three > d/closed/inner/f; touch -d 2020-01-01 d/*"
  assert.same({ 0, "" }, run("put", "-q", "-r", "d"))
  shell "chmod 500 d/read; chmod 000 d/closed/inner; touch -d 2020-01-01 d/closed"
  assert.equal(1, run("put", "-q", "-r", "d")[1]) -- it cannot list the last one
  shell "chmod 000 d/closed"
  assert.equal(1, run("put", "-q", "-r", "d")[1])
end

local AS_STORED = "500 1577836800 out/d/read\n0 1577836800 out/d/closed\n"
local LOOK = "TZ=UTC stat -c '%a %Y %n' out/d/read out/d/closed"

describe("filo get -r, once more,", function()
  it("goes on within folders that are closed, and leaves them as they were stored", function()
    serving(function(run, shell)
      store(run, shell)
      for _ = 1, 2 do
        assert.same({ 0, "" }, run("get", "-r", "d", "-d", "out"))
        assert.equal(AS_STORED, shell(LOOK))
      end
      shell "chmod 700 out/d/read out/d/closed out/d/closed/inner; rm out/d/read/f out/d/closed/inner/f; echo bad > out/d/closed/f"
      shell "chmod 500 out/d/read; chmod 000 out/d/closed/inner out/d/closed"
      assert.same({ 1, "filo get: out/d/closed/f is there already: -f replaces it\nfilo get: 1 of 7 failed\n" },
        run("get", "-r", "d", "-d", "out"))
      assert.equal(AS_STORED, shell(LOOK))
      assert.same({ 0, "" }, run("get", "-r", "-f", "d", "-d", "out"))
      assert.equal(AS_STORED, shell(LOOK))
      shell "chmod 700 out/d/closed"
      assert.equal("0\n", shell "stat -c %a out/d/closed/inner")
      shell "chmod 700 out/d/closed/inner"
      assert.equal("one\ntwo\nthree\n", shell "cat out/d/read/f out/d/closed/f out/d/closed/inner/f")
    end)
  end)

  it("closes folders again when it is interrupted", function()
    serving(function(run, shell, start)
      shell "mkdir -p d/closed; head -c 300000 /dev/zero > d/closed/f; chmod 500 d/closed"
      assert.same({ 0, "" }, run("put", "-q", "-r", "d"))
      shell "mkdir -p out/d/closed; mkfifo out/d/closed/f; chmod 500 out/d/closed"
      local pipe = shell "printf %s $PWD/out/d/closed/f"
      local reader <close> = process.start { program = "sh", "-c", "exec 9<> $0; echo opened; exec sleep 60", pipe }
      reader:expect "opened"
      local child <close> = start("get", "-r", "-f", "d", "-d", "out")
      nodes.wait(function() return shell "stat -c %a out/d/closed" == "700\n" end, "open folder")
      child:kill "INT"
      assert.equal(130, child:wait().status)
      assert.equal("500\n", shell "stat -c %a out/d/closed")
    end)
  end)

  it("tells once of a folder that it cannot make", function()
    serving(function(run, shell)
      shell "mkdir -p d out elsewhere; echo x > d/f; ln -s ../elsewhere out/d"
      assert.same({ 0, "" }, run("put", "-q", "-r", "d"))
      local result = run("get", "-r", "d", "-d", "out")
      local refused = "filo get: out/d goes through a symbolic link below out, and none is followed there: "
        .. "remove it, or choose another --directory\n"
      assert.same({ 1, refused:rep(2) .. "filo get: 2 of 2 failed\n" }, result)
      assert.equal("", shell "ls elsewhere")
    end)
  end)

  it("closes again what it could not get the mode of", function()
    serving(function(run, shell)
      shell "mkdir -p out/k; chmod 500 out/k; echo x > x"
      assert.same({ 0, "" }, run("put", "-q", "x", "-k", "k/"))
      assert.same({ 0, "" }, run("put", "-q", "x", "-k", "k/x"))
      local result = run("get", "-r", "k", "-d", "out")
      assert.equal(1, result[1])
      assert.matches("'k/' is no name for a file", result[2])
      assert.equal("500\nx\n", shell "stat -c %a out/k; cat out/k/x")
    end)
  end)
end)
