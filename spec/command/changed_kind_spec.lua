---What a name was when it was stored last is what `filo get -r` makes of it: a file, a folder or a symbolic link.

local commands = require "spec.support.commands"
local temp = require "spec.support.temp"

-- A name that was a file and is a folder now has two keys, "d/x" and "d/x/". `get -r` wrote the file, and failed at all that belongs
-- below the folder; or the other way round, as nothing said which of them counts.

---Calls fn(run, shell) with a node that serves. run(...) gives status, output and messages; both work in the house's folder.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  local function run(...)
    local result = house:within("a", ...)
    return { result.status, result.out, result.err }
  end
  local function shell(text) return house:shell(text) end
  fn(run, shell)
end

---Everything below the folder "d", and what is in its files.
local function listing(shell, folder)
  return shell(("cd %s && find d -printf '%%p %%y %%l\n' | sort; find d -type f | sort | xargs cat"):format(temp.quote(folder)))
end

describe("filo get -r of a name that has changed its kind", function()
  it("makes the folder that a file has become, and says what it leaves out", function()
    serving(function(run, shell)
      shell "mkdir d; echo file > d/x; echo other > d/y"
      run("put", "-r", "d")
      shell "rm d/x; mkdir -p d/x/e; echo in > d/x/e/z"
      run("put", "-r", "d")
      local result = run("get", "-r", "d", "-d", "out")
      assert.same({ 0, "filo get: 'd/x' is a folder by now: the file stored before is left out; without -r its key gets it\n" },
        { result[1], result[3] })
      assert.equal(listing(shell, "."), listing(shell, "out"))
      assert.same({ 0, "file\n", "" }, run("get", "d/x", "-o", "-"))
      assert.same({ 0, "", "" }, run("get", "-q", "-r", "d", "-d", "quiet"))
    end)
  end)

  it("makes the file that a folder has become, and says what it leaves out", function()
    serving(function(run, shell)
      shell "mkdir -p d/x/e d/z; echo in > d/x/e/f; echo below > d/z/below; echo beside > d/x-beside"
      run("put", "-r", "d")
      shell "rm -r d/x; echo file > d/x; rm -r d/z; ln -s x d/z"
      run("put", "-r", "d")
      local result = run("get", "-r", "d", "-d", "out")
      assert.same({ 0, "filo get: 'd/x' is no folder any more: what was stored below it before (3 objects) is left out; -r 'd/x/' gets it\n"
        .. "filo get: 'd/z' is no folder any more: what was stored below it before (2 objects) is left out; -r 'd/z/' gets it\n" },
        { result[1], result[3] })
      assert.equal(listing(shell, "."), listing(shell, "out"))
      assert.equal(0, run("get", "-r", "d/x/", "-d", "old")[1])
      assert.equal("in\n", shell "cat old/d/x/e/f")
    end)
  end)

  it("goes by what was stored last, also when it was that before, and did not change", function()
    serving(function(run, shell)
      shell "mkdir -p d/x; echo in > d/x/f; ln -s nowhere d/l"
      run("put", "-r", "d")
      shell "mv d/x was; mv d/l link; echo file > d/x; mkdir d/l"
      run("put", "-r", "d")
      shell "rm d/x; mv was d/x; rmdir d/l; mv link d/l"
      run("put", "-r", "d")
      assert.equal(0, run("get", "-r", "d", "-d", "out")[1])
      assert.equal(listing(shell, "."), listing(shell, "out"))
      assert.matches("stored 0, 0 B; 4 unchanged\n$", run("put", "-r", "d")[2])
    end)
  end)
end)

describe("filo get -f", function()
  it("replaces a file by the folder that belongs there, and is needed for that", function()
    serving(function(run, shell)
      shell "mkdir -p d/x out/d; echo in > d/x/f; chmod 700 d/x; echo here before > out/d/x"
      run("put", "-r", "d")
      local result = run("get", "-r", "d", "-d", "out")
      assert.same({ 1, "filo get: out/d/x is there already, and is no folder: -f replaces it\n"
        .. "filo get: out/d/x is there already, and is no folder: -f replaces it\nfilo get: 2 of 3 failed\n" }, { result[1], result[3] })
      assert.equal("here before\n", shell "cat out/d/x")
      assert.same({ 0, "" }, { run("get", "-r", "-f", "d", "-d", "out")[1], run("get", "-r", "d", "-d", "out")[3] })
      assert.equal(listing(shell, "."), listing(shell, "out"))
      assert.equal("700\nd\nx\n", shell "stat -c %a out/d/x; ls -A out out/d | grep -v :  | grep .")
    end)
  end)

  it("keeps a folder where a file belongs, and says so", function()
    serving(function(run, shell)
      shell "mkdir -p d out/d/x; echo file > d/x; echo precious > out/d/x/mine; echo y > d/y"
      run("put", "-r", "d")
      local result = run("get", "-r", "-f", "d", "-d", "out")
      assert.same({ 1, "filo get: out/d/x is a folder, and a file belongs there: move it away, or use another --directory\n"
        .. "filo get: 1 of 3 failed\n" }, { result[1], result[3] })
      assert.equal("precious\ny\n", shell "cat out/d/x/mine out/d/y")
    end)
  end)
end)
