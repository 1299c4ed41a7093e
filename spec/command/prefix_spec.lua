local commands = require "spec.support.commands"

---Calls fn(run, folder) with a node that stores a/1, a/2 and b; run gives the status, what was printed, and what was told; the folder is
---not there yet.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  for _, key in ipairs { "b", "a/2", "a/1" } do house:feed("x", "a", "put", "-", "-k", key) end
  fn(function(...)
    local result = house:run("a", ...)
    return { result.status, result.out, result.err }
  end, house.folder:file "out")
end

describe("a command with a prefix of keys", function()
  it("lists in the order of the keys", function()
    serving(function(run)
      assert.same({ 0, "a/1\na/2\nb\n", "" }, run "ls")
      for _, name in ipairs { "a/", "a", "a*", "a/*" } do assert.same({ 0, "a/1\na/2\n", "" }, run("ls", name)) end
      assert.same({ 0, "a/1\n", "" }, run("ls", "a/1"))
      assert.same({ 0, "", "" }, run("ls", "a/1/"))
    end)
  end)

  it("verifies what has it", function()
    serving(function(run)
      assert.same({ 0, "good b\ngood a/2\ngood a/1\n", "" }, run "verify") -- what was stored first was verified longest ago
      assert.same({ 0, "good a/1\ngood a/2\n", "" }, run("verify", "-r", "a/"))
      assert.equal(3, run("verify", "a/")[1])
      assert.same({ 3, "", "filo verify: nothing here is named 'c'\n" }, run("verify", "-r", "c"))
    end)
  end)

  it("tells where the copies of all are that have it", function()
    serving(function(run)
      local result = run("why", "-r", "a", "b")
      assert.equal(0, result[1])
      assert.matches("^a/1: .*\na/2: .*\nb: ", result[2])
      result = run("why", "none", "b")
      assert.equal(3, result[1])
      assert.matches("^b: ", result[2])
      assert.matches("1 of 2 failed", result[3])
    end)
  end)

  -- One that no key has ended the command, and nothing was done for the others.
  it("goes on with the others where no key has one", function()
    serving(function(run, folder)
      local none = "nothing here is named 'c'\n"
      assert.same({ 3, "good a/1\ngood a/2\n", "filo verify: " .. none .. "filo verify: 1 of 3 failed\n" }, run("verify", "-r", "c", "a/"))
      local result = run("why", "-r", "c", "b")
      assert.same({ 3, "filo why: " .. none .. "filo why: 1 of 2 failed\n" }, { result[1], result[3] })
      assert.matches("^b: ", result[2])
      assert.same({ 3, "", "filo get: " .. none .. "filo get: 1 of 2 failed\n" }, run("get", "-q", "-r", "b", "c", "-d", folder))
      assert.same({ 3, "deleted b\n", "filo rm: " .. none .. "filo rm: 1 of 2 failed\n" }, run("rm", "-r", "b", "c"))
    end)
  end)

  -- `filo ls small/2` listed `small/20`, and `filo rm -r small/2` deleted it.
  it("takes a name for an object and a folder, and for no other that starts so", function()
    serving(function(run)
      for _, key in ipairs { "a/", "a-b", "ab", "a/2/x", "a/20" } do run("put", "-", "-k", key) end
      assert.same({ 0, "a/\na/1\na/2\na/2/x\na/20\n", "" }, run("ls", "a"))
      assert.same({ 0, "a/2\na/2/x\n", "" }, run("ls", "a/2"))
      assert.same({ 0, "a-b\na/\na/1\na/2\na/2/x\na/20\nab\n", "" }, run("ls", "a*"))
      assert.same({ 0, "deleted a/2\ndeleted a/2/x\n", "" }, run("rm", "-r", "a/2"))
      assert.same({ 0, "a-b\na/\na/1\na/20\nab\nb\n", "" }, run "ls")
    end)
  end)

  it("deletes what has it, and nothing else", function()
    serving(function(run)
      assert.equal(3, run("rm", "a/")[1])
      assert.equal(2, run("rm", "-r", "")[1])
      assert.same({ 0, "deleted a/1\ndeleted a/2\n", "" }, run("rm", "-r", "a/", "a"))
      assert.same({ 0, "b\n", "" }, run "ls")
    end)
  end)
end)
