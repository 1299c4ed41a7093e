---Which files `filo put` is told to store, and what it would do.

local commands = require "spec.support.commands"
local temp = require "spec.support.temp"

---Calls fn(run, house, shell) with a node that serves, and a tree "d". run(...) gives what came of a command in the house's folder.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  local function shell(text) assert(os.execute(("cd %s && { %s\n}"):format(temp.quote(house.folder.path), text))) end
  shell "mkdir -p d/src/cache d/cache; touch d/a.o d/src/b.o d/src/b.c d/cache/x d/src/cache/y d/src/log d/cache.o d/%5.o"
  fn(function(...) return house:within("a", ...) end, house, shell)
end

---The keys that are stored, in order.
local function keys(run)
  local list = {}
  for key in run("ls").out:gmatch "[^\n]+" do list[#list + 1] = key end
  table.sort(list)
  return table.concat(list, " ")
end

describe("filo put --exclude", function()
  local function stored_without(...)
    local patterns, result = { ... }, nil
    serving(function(run)
      local arguments = {}
      for _, each in ipairs(patterns) do table.move({ "--exclude", each }, 1, 2, #arguments + 1, arguments) end
      local done = run("put", "-q", "-r", "d/", table.unpack(arguments))
      assert.same({ 0, "", "" }, { done.status, done.out, done.err })
      result = keys(run)
    end)
    return result
  end

  it("leaves out names, folders with all below them, and paths", function()
    assert.equal("d/ d/cache/ d/cache/x d/src/ d/src/b.c d/src/cache/ d/src/cache/y d/src/log", stored_without "*.o")
    assert.equal("d/ d/a.o d/src/", stored_without("cache*", "b.?", "%5.o", "[ab]", "log"))
    assert.equal("d/ d/%5.o d/a.o d/cache.o d/cache/ d/cache/x d/src/ d/src/b.c d/src/b.o", stored_without("src/cache/", "/src/l*", "x/"))
    assert.equal("d/ d/%5.o d/a.o d/cache.o d/cache/ d/src/ d/src/b.c d/src/b.o d/src/cache/ d/src/log",
      stored_without("**/[xy]", "*/x", "**/y"))
  end)

  it("is for folders", function()
    serving(function(run)
      local result = run("put", "d/a.o", "--exclude", "*.o")
      assert.equal(2, result.status)
      assert.matches("%-%-exclude is for %-r", result.err)
    end)
  end)
end)

describe("filo put --files-from", function()
  it("takes names from a file or from standard input, one a line or before each zero byte", function()
    serving(function(run, house)
      house.folder:write("list", "d/a.o\nnone\nd/src\n\nd/src/b.c\n")
      local result = run("put", "--files-from", "list", "d/src/log")
      assert.equal(1, result.status)
      assert.matches("cannot read none: No such file", result.err)
      assert.matches("d/src is no file", result.err)
      assert.matches("\nstored 3, 0 B; 0 unchanged; 2 failed\n$", result.out)
      assert.equal("d/a.o d/src/b.c d/src/log", keys(run))
      house.folder:write("new\nline", "")
      house.folder:write("list", "new\nline\0d/src/b.o\0")
      assert.equal(0, run("put", "--files-from", "list", "-0").status)
      assert.equal("d/a.o d/src/b.c d/src/b.o d/src/log new\\x0aline", keys(run))
      result = house:feed(house.folder:file "d/cache" .. "\n", "a", "put", "-r", "--files-from", "-")
      assert.equal(0, result.status)
      assert.matches("d/cache/x  0 B  1 copy\n", result.out)
    end)
  end)

  it("says what it cannot read, and what makes no sense", function()
    serving(function(run)
      local result = run("put", "--files-from", "nowhere")
      assert.same({ 1, "filo put: cannot read nowhere: No such file or directory\n" }, { result.status, result.err })
      assert.matches("cannot read d", run("put", "--files-from", "d").err)
      assert.same({ 2, 2, 2 }, { run("put").status, run("put", "-0", "d/a.o").status, run("put", "--files-from", "d", "-k", "k").status })
    end)
  end)
end)

describe("filo put --dry-run", function()
  it("says what it would do, and does nothing", function()
    serving(function(run, house)
      run("put", "d/a.o")
      house.folder:write("d/a.o", "changed")
      run("put", "d/src/log")
      local result = run("put", "-r", "-n", "d", "--exclude", "cache*", "--exclude", "%*")
      assert.same({ 0, "" }, { result.status, result.err })
      assert.matches("d/a.o  7 B  would be stored\n", result.out, 1, true)
      assert.matches("d/src/log  0 B  unchanged\n", result.out, 1, true)
      assert.matches("d/src/  folder  would be stored\n", result.out, 1, true)
      assert.matches("\nwould store 5, 7 B; 1 unchanged\n$", result.out)
      assert.equal("d/a.o d/src/log", keys(run))
      assert.equal("", run("get", "d/a.o", "-o", "-").out)
    end)
  end)
end)

describe("filo put", function()
  it("sums up what it has done with several", function()
    serving(function(run, house)
      house.folder:write("d/src/log", ("x"):rep(2048))
      assert.matches("\nstored 2, 2.0 KiB; 0 unchanged\n$", run("put", "d/src/log", "d/a.o").out)
      assert.matches("\nstored 1, 0 B; 1 unchanged\n$", run("put", "d/src/log", "d/cache.o").out)
      assert.equal("d/a.o  0 B  1 copy, unchanged\n", run("put", "d/a.o").out)
      assert.not_matches("stored", run("put", "--json", "d/a.o", "d/src/log").out)
      assert.equal("", run("put", "-q", "d/a.o", "d/src/log").out)
    end)
  end)

  it("takes a file of any name for that file", function()
    serving(function(run, house)
      house.folder:write("standard input", "content")
      local result = house:run("a", "put", house.folder:file "standard input", "-k", "k")
      assert.equal(0, result.status)
      assert.equal(0, run("put", "standard input").status)
      assert.equal("content", run("get", "standard input", "-o", "-").out)
    end)
  end)
end)
