---What was named to `filo put` and was no file (a link that leads nowhere, a socket) was passed over without a word; and names that
---find(1) takes for its own, such as "!", ended the command with a traceback.

local commands = require "spec.support.commands"
local temp = require "spec.support.temp"

local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  assert(os.execute(("ln -s nowhere %s"):format(temp.quote(house.folder:file "link"))))
  fn(house, function(...)
    return house:run("a", ...)
  end)
end

describe("filo put", function()
  it("says what it does not store", function()
    serving(function(house, run)
      local result = run("put", house.folder:file "link")
      assert.equal(1, result.status)
      assert.matches("link is no file: .*nothing is there", result.err)
    end)
  end)

  it("says how many things in a folder it passed over", function()
    serving(function(house, run)
      assert(os.execute(("cd %s && mkdir -p d/e && mv link d/e && echo content > d/file"):format(temp.quote(house.folder.path))))
      local result = run("put", "-r", house.folder:file "d")
      assert.equal(0, result.status)
      assert.matches("1 thing that is no file", result.err)
      assert.equal("", run("put", "-r", "-q", house.folder:file "d").err)
    end)
  end)

  it("takes any name for a name", function()
    serving(function(house, run)
      for _, name in ipairs { "!", "(", ")", ",", "-", "-n", "=" } do
        house.folder:write(name, "content")
        local below = name == "-" and "./-" or name
        local result = house:within("a", "put", "--", below)
        assert.same({ 0, "" }, { result.status, result.err })
        result = house:within("a", "get", "--", name)
        assert.matches("is there already", result.err)
      end
      assert.equal(0, run("status").status)
    end)
  end)

  it("gives a file below a folder that ends with slashes a key that can be a name", function()
    serving(function(house, run)
      assert(os.execute(("cd %s && mkdir -p d/e && echo content > d/e/file"):format(temp.quote(house.folder.path))))
      assert.equal(0, house:within("a", "put", "-r", "d//", ".//./d").status)
      assert.equal("d/e/file\n", run("ls").out)
    end)
  end)
end)
