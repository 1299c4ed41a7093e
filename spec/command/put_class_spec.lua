---`filo put --class`: gives an object a class, and changes only that where the file has not changed.

local commands = require "spec.support.commands"

describe("filo put --class", function()
  it("gives objects a class, which stays, and changes it without storing the content anew", function()
    local house <close> = commands.house()
    house:first "a"
    local path = house.folder:write("file", ("content\n"):rep(100))
    assert(os.execute("touch -d 2020-01-01 '" .. path .. "'"))
    local function put(...)
      local result = house:run("a", "put", path, "-k", "k", ...)
      assert.same({ 0, "" }, { result.status, result.err })
      return result.out
    end
    local function class()
      local text = house:run("a", "--attach", "-e", "print(node:stat('k').class)")
      return tonumber(text.out), text.err
    end
    put("--class", "7")
    assert.equal(7, class())
    assert.matches("unchanged", put())
    assert.matches("unchanged", put("--class", "7"))
    assert.matches("would be stored", put("--dry-run", "--class", "8"))
    assert.not_matches("unchanged", put("--class", "8"))
    assert.equal(8, class())
    assert.matches("unchanged", put())
    put "--force"
    assert.equal(8, class())
    assert.equal(house.folder:read "file", house:run("a", "get", "k", "-o", "-").out)
  end)

  it("takes a number from 0 to 255", function()
    local house <close> = commands.house()
    house:first "a"
    for _, text in ipairs { "256", "-1", "1.5", "red" } do
      local result = house:run("a", "put", "--class", text, "file")
      assert.equal(2, result.status)
      assert.matches("the class must be a number from 0 to 255, not '" .. text:gsub("%p", "%%%0") .. "'", result.err)
    end
  end)
end)
