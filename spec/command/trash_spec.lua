---`filo trash` and `filo undelete`: what was removed by mistake was gone at once.

local commands = require "spec.support.commands"
local json = require "filo.dkjson"
local nodes = require "spec.support.nodes"

---Sets options of a node that serves.
local function configure(house, name, options)
  house:write(name, "node.lua", (house:read(name, "node.lua"):gsub("%f[%w]return {", "%0 " .. options .. ",", 1)))
  assert.equal(0, house:run(name, "reload").status)
end

---Calls fn(run, house) with a node that serves; run gives the status, what was printed, and what was told.
local function serving(options, fn)
  local house <close> = commands.house()
  house:first "a"
  if options then configure(house, "a", options) end
  fn(function(...)
    local result = house:run("a", ...)
    return { result.status, result.out, result.err }
  end, house)
end

describe("filo undelete", function()
  it("brings back what was deleted, where that is kept", function()
    serving("trash = { deletes = true }", function(run, house)
      for _, key in ipairs { "photos/a", "photos/b", "photos2" } do house:feed("content", "a", "put", "-", "-k", key) end
      assert.equal(0, run("rm", "photos2", "-r", "photos", "-q")[1])
      assert.same({ 0, "", "" }, run "ls")
      local lines = run "trash"[2]
      for _, key in ipairs { "photos/a", "photos/b", "photos2" } do
        assert.matches("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d  deleted         7 B  " .. key .. "\n", lines)
      end
      assert.matches("\ntrash     3 objects, 21 B: gone after 24 hours, or when the room is needed", run "status"[2])
      assert.matches("in the trash +21 B in 3 objects\n", run "usage"[2])
      assert.same({ 0, "brought back photos/a, 7 B\nbrought back photos/b, 7 B\n", "" }, run("undelete", "-r", "photos"))
      assert.same({ 0, "photos/a\nphotos/b\n", "" }, run "ls")
      local item = json.decode(run("trash", "--json")[2], 1, nil, nil)
      assert.same({ "photos2", 7, "deleted", 64 }, { item.key, item.size, item.why, #item.key_hash })
      local receipt = json.decode(run("undelete", "photos2", "--json")[2], 1, nil, nil)
      assert.same({ "photos2", 1 }, { receipt.key, #receipt.copies })
      assert.same({ 0, "", "" }, run "trash")
      assert.not_matches("\ntrash", run "status"[2])
    end)
  end)

  it("says what is not there, and what to do", function()
    serving(nil, function(run, house)
      house:feed("content", "a", "put", "-", "-k", "key")
      run("rm", "key")
      local message = "filo undelete: 'key' is not in the trash: what is dropped here lies there for a while, what is deleted only with "
        .. "the option trash = { deletes = true }, and all of it goes when its room is needed\n"
      assert.same({ 3, "", message }, run("undelete", "key"))
      assert.same({ 3, "", "filo undelete: nothing in the trash is named 'key'\n" }, run("undelete", "-r", "key"))
      assert.equal(2, run "undelete"[1])
      assert.equal(2, run("undelete", "key", "--owner", "ab")[1])
      assert.same({ 1, "", "filo undelete: nothing that was kept for ab is in the trash\n" }, run("undelete", "--owner", "ab"))
    end)
  end)

  it("brings back what was dropped of another owner's", function()
    local house <close> = commands.house()
    local child, token = house:first "a"
    house:feed(token, "b", "join", "-", "--listen", "127.0.0.1:0")
    house:serve "b"
    child:expect "is connected"
    for _, key in ipairs { "one", "two" } do house:feed("12345", "b", "put", "-", "-k", key) end
    local owner = json.decode(house:run("b", "status", "--json").out, 1, nil, nil).namespace
    assert.equal(0, house:run("a", "rm", "--owner", owner, "-f").status)
    nodes.wait(function() return house:run("b", "why", "one").status == 4 end, "loss")
    assert.matches("  dropped         5 B  of " .. owner:sub(1, 16) .. ": %x+\n", house:run("a", "trash").out)
    assert.equal(("brought back 2 objects, 10 B, kept for %s\n"):format(owner), house:run("a", "undelete", "--owner", owner:sub(1, 8)).out)
    assert.matches("good, verified", house:run("b", "why", "one").out)
    assert.equal("", house:run("a", "trash").out)
  end)
end)

describe("filo trash", function()
  it("empties it, and is listed without a running node", function()
    serving("trash = { deletes = true }", function(run, house)
      house:feed("content", "a", "put", "-", "-k", "key")
      run("rm", "key")
      house.children[1]:kill "TERM"
      house.children[1]:wait()
      assert.matches("deleted         7 B  key\n", run "trash"[2])
      assert.matches("in the trash +7 B in 1 object\n", run "usage"[2])
      assert.equal(5, run("trash", "--empty")[1])
      house:serve "a"
      assert.same({ 0, "emptied the trash of 1 object, 7 B\n", "" }, run("trash", "--empty"))
      assert.same({ 0, "", "" }, run "trash")
      assert.equal(3, run("undelete", "key")[1])
      assert.same({ 0, '{"objects":0,"bytes":0}\n', "" }, run("trash", "--empty", "--json"))
    end)
  end)
end)
