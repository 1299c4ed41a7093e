---`filo put -r` of a folder with the node's own root in it, such as one's home, stored the identity, the secret and the sealed objects in
---it, too: twice as many at each run.

local commands = require "spec.support.commands"

describe("filo put -r", function()
  it("leaves out the root of the node itself", function()
    local house <close> = commands.house()
    house:run("a", "init", "--listen", "127.0.0.1:0")
    house:serve "a"
    house.folder:write("file", "content")
    assert(os.execute(("ln -s a '%s/link'"):format(house.folder.path)))
    assert(os.execute(("mkdir '%s/z'"):format(house.folder.path)))
    house.folder:write("z/last", "content")
    assert.equal(0, house:within("a", "put", "-r", ".").status)
    local listed = {}
    for key in house:run("a", "ls").out:gmatch "[^\n]+" do listed[#listed + 1] = key end
    table.sort(listed)
    assert.same({ "file", "z/last" }, listed)
    local result = house:within("link", "put", "-r", "a")
    assert.equal(1, result.status)
    assert.matches("a is the root of the node itself", result.err)
  end)
end)
