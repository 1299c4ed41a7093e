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
  local status = json.decode(house:run("b", "status", "--json").out, 1, nil, nil)
  house:feed("own", "a", "put", "-", "-k", "own")
  fn(function(...)
    local result = house:run("a", ...)
    return { result.status, result.out, result.err }
  end, status.namespace, child, status.id, house)
end

describe("filo usage", function()
  it("tells for whom how much is kept, with and without a running node", function()
    keeping(function(run, owner, child, member)
      local line = "        10 B in 2 objects, and 1 deletion\n"
      local lines = owner .. line .. "from " .. member .. line
      assert.same({ 0, lines, "" }, run "usage")
      local first, second = run("usage", "--json")[2]:match "^(.-)\n(.-)\n$"
      assert.same({ owner = owner, objects = 2, bytes = 10, deleted = 1, counted = 8202 }, json.decode(first, 1, nil, nil))
      assert.same({ member = member, objects = 2, bytes = 10, deleted = 1, counted = 8202 }, json.decode(second, 1, nil, nil))
      child:kill "TERM"
      child:wait()
      assert.same({ 0, lines, "" }, run "usage")
    end)
  end)

  it("tells of quotas, and what is beyond one, as filo status does", function()
    keeping(function(run, owner, _, member, house)
      local function bound(quota)
        house:write("a", "node.lua", house:read("a", "node.lua"):gsub("%f[%w]return {", "%0 quota = " .. quota .. ",", 1))
        assert.equal(0, run "reload"[1])
      end
      bound(('{ owner = "1 MiB", member = 1 << 21, total = "4 MiB", members = { ["%s"] = 8201 } }'):format(member))
      assert.same({ 0, ([[
%s        10 B in 2 objects, and 1 deletion; counts 8.0 KiB of 1.0 MiB
from %s        10 B in 2 objects, and 1 deletion; counts 8.0 KiB of 8.0 KiB: nothing new is taken
in all        10 B in 2 objects, and 1 deletion; counts 8.0 KiB of 4.0 MiB
]]):format(owner, member), "" }, run "usage")
      local told = ("\nquota     from %s: counts 8.0 KiB of 8.0 KiB: nothing new is taken\n"):format(member:sub(1, 16))
      assert.matches(told, run "status"[2], 1, true)
      local result = house:feed("more", "b", "put", "-", "-k", "three")
      local reason = "refused: it keeps 8.0 KiB of what this node brings at most, and has 8.0 KiB, without the 4 B of this"
      assert.equal(4, result.status)
      assert.matches(reason, result.err, 1, true)
      assert.matches("missing: it has no copy; when it was to take one: " .. reason, house:run("b", "why", "three").out, 1, true)
      local item = json.decode(run("usage", "--json")[2]:match "\n(.-)\n", 1, nil, nil)
      assert.same({ 8202, 8201 }, { item.counted, item.limit })
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
      assert.same({ 0, owner .. "         0 B in 0 objects, and 1 deletion\nin the trash        10 B in 2 objects\n", "" }, run "usage")
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
