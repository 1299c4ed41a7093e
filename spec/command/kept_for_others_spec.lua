local commands = require "spec.support.commands"
local json = require "filo.dkjson"

-- Nobody could tell for whom a node keeps how much, nor get back the room of what it keeps for one who is gone.

---Calls fn(run, owner, child) with a node that keeps two objects and a deletion of another's; run gives the status, what was printed, and
---what was told.
local function keeping(fn)
  local house <close> = commands.house()
  local child, token = house:first "a"
  house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
  house:serve "b"
  child:expect "is connected"
  for _, key in ipairs { "one", "two", "gone" } do house:feed("12345", "b", "put", "-", "-k", key) end
  house:run("b", "rm", "gone")
  local owner = json.decode(house:run("b", "status", "--json").out, 1, nil, nil).namespace
  house:feed("own", "a", "put", "-", "-k", "own")
  fn(function(...)
    local result = house:run("a", ...)
    return { result.status, result.out, result.err }
  end, owner, child)
end

describe("filo usage", function()
  it("tells for whom how much is kept, with and without a running node", function()
    keeping(function(run, owner, child)
      local line = owner .. "        10 B in 2 objects, and 1 deletion\n"
      assert.same({ 0, line, "" }, run "usage")
      assert.same({ owner = owner, objects = 2, bytes = 10, deleted = 1 }, json.decode(run("usage", "--json")[2], 1, nil, nil))
      child:kill "TERM"
      child:wait()
      assert.same({ 0, line, "" }, run "usage")
    end)
  end)
end)

describe("filo rm --owner", function()
  it("drops what is kept for one owner, when it is forced to, but for deletions", function()
    keeping(function(run, owner)
      local refused = run("rm", "--owner", owner)
      assert.same({ 1, "" }, { refused[1], refused[2] })
      local told = "^filo rm: 2 objects, 10 B, are kept here for " .. owner .. ", and each may be the last copy: %-f drops them\n$"
      assert.matches(told, refused[3])
      assert.same({ 0, ("dropped 2 objects, 10 B, kept for %s\n"):format(owner), "" }, run("rm", "--owner", owner:sub(1, 12), "-f"))
      assert.same({ 0, owner .. "         0 B in 0 objects, and 1 deletion\n", "" }, run "usage")
      assert.same({ 0, "own\n", "" }, run "ls")
      local result = json.decode(run("rm", "--json", "-f", "--owner", owner)[2], 1, nil, nil)
      assert.same({ owner = owner, objects = 0, bytes = 0 }, result)
    end)
  end)

  it("drops nothing of this node's own, and nothing else that was named", function()
    keeping(function(run, owner)
      assert.equal(1, run("rm", "-f", "--owner", ("0"):rep(64))[1])
      assert.equal(2, run("rm", "-f", "--owner", owner, "own")[1])
      assert.equal(2, run("rm", "-f", "own")[1])
      assert.equal(2, run "rm"[1])
      assert.matches("own", run "ls"[2])
    end)
  end)
end)
