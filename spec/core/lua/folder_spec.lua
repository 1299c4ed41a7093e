---Scripts listed folders by other programs (find(1) through io.popen), which stopped everything else meanwhile.

local filo = require "filo"
local mortal = require "spec.support.mortal"
local process = require "spec.support.process"
local raises = require "spec.support.raises"
local tasks = require "spec.support.tasks"
local temp = require "spec.support.temp"

local function shell(folder, command) assert(os.execute(("cd %s && %s"):format(temp.quote(folder.path), command))) end

---What is to be known of a folder, in another process that permissions hold for.
local LIST = [[
  local filo = require "filo"
  local list, err = filo.folder(arg[1])
  if not list then print(err.code, err) end
  for _, each in ipairs(list or {}) do print(each.name, each.kind, each.size, each.problem and each.problem.code, each.problem) end
]]

describe("filo.folder", function()
  it("gives what is in a folder, sorted by name, as filo.look gives each", function()
    local folder <close> = temp.folder()
    shell(folder, "mkdir d && mkfifo p && ln -s nowhere l && ln -s d r && touch -d @1234567890.123456789 f && truncate -s 100000 s")
    local list = assert(filo.folder(folder.path))
    local found = {}
    for i, each in ipairs(list) do
      assert.equal(folder:file(each.name), each.path)
      found[i] = each.name .. each.kind
      each.name = nil
      assert.same(filo.look(each.path), each)
    end
    assert.same({ "dd", "ff", "ll", "pp", "rl", "sf" }, found)
    assert.same({ 1234567890, 123456789, 0 }, { list[2].modified, list[2].nanoseconds, list[2].size })
    assert.same({ "nowhere", "d" }, { list[3].target, list[5].target })
    assert.is_true(list[6].sparse)
  end)

  it("takes names of any bytes", function()
    local folder <close> = temp.folder()
    local names = { "\1\127", " ", "'\n\"", "*", "-n", ("x"):rep(255), "\xff\xc0" }
    for _, name in ipairs(names) do folder:write(name, name) end
    local found = {}
    for i, each in ipairs(assert(filo.folder(folder.path .. "/"))) do
      found[i] = each.name
      assert.same({ folder:file(each.name), #each.name }, { each.path, each.size })
    end
    assert.same(names, found)
  end)

  it("follows a symbolic link that is the path itself, and none else", function()
    local folder <close> = temp.folder()
    shell(folder, "mkdir d && touch d/file && ln -s d link")
    assert.equal("file", filo.folder(folder:file "link")[1].name)
    local _, err = require("filo.core.files").list(folder:file "link")
    assert.matches("cannot list the folder .*link: Not a directory", tostring(err))
  end)

  it("says why there is no list", function()
    local folder <close> = temp.folder()
    folder:write("file", "")
    local list, err = filo.folder(folder:file "nowhere")
    assert.same({ nil, "not_found" }, { list, err.code })
    assert.matches("cannot list the folder .*/nowhere: No such file", err.message)
    list, err = filo.folder(folder:file "file")
    assert.same({ nil, "not_found" }, { list, err.code })
    assert.matches("/file: Not a directory", err.message)
    shell(folder, "mkdir -m 000 closed")
    local result = process.run(mortal { folder:write("list.lua", LIST), folder:file "closed" })
    assert.equal(("denied\tcannot list the folder %s: Permission denied\n"):format(folder:file "closed"), result.out)
  end)

  it("tells of what cannot be looked at by its name, so that nobody takes it for gone", function()
    local folder <close> = temp.folder()
    shell(folder, "mkdir d && touch d/file && chmod 400 d")
    local result = process.run(mortal { folder:write("list.lua", LIST), folder:file "d" })
    assert.equal(("file\tnil\tnil\tdenied\tcannot read %s: Permission denied\n"):format(folder:file "d/file"), result.out)
  end)

  it("leaves out what goes meanwhile", function()
    local folder <close> = temp.folder()
    shell(folder, "mkdir d && cd d && seq 3000 | xargs touch")
    local pipe <close> = assert(io.popen(("cd %s/d && seq 3000 | xargs -n 100 rm"):format(temp.quote(folder.path))))
    local count
    repeat
      local list = assert(filo.folder(folder:file "d"))
      for _, each in ipairs(list) do assert.is_nil(each.problem) end
      count = #list
    until count == 0
    pipe:read "a"
  end)

  it("lets everything else go on while it gives a large one", function()
    local folder <close> = temp.folder()
    shell(folder, "seq 10000 | xargs touch")
    local turns = 0
    local other = filo.spawn(function()
      while true do
        tasks.turns(1)
        turns = turns + 1
      end
    end)
    tasks.turns(1)
    local list = assert(filo.folder(folder.path))
    other:cancel()
    assert.equal(10000, #list)
    assert.is_true(turns >= 10, turns)
  end)

  it("ends with its task, wherever it is", function()
    local folder <close> = temp.folder()
    shell(folder, "seq 5000 | xargs touch")
    for turns = 0, 40, 4 do
      local listing = filo.spawn(filo.folder, folder.path):observe()
      tasks.turns(turns)
      listing:cancel()
      local ok, err = pcall(listing.join, listing)
      assert(ok and #err == 5000 or not ok and err.code == "cancelled", tostring(err))
    end
  end)

  it("raises an error for what is no path", function()
    for _, path in ipairs { "", "a\0b", false, {} } do
      raises("folder_spec.lua:%d+: folder: a path expected", function() filo.folder(path) end)
      raises("folder_spec.lua:%d+: look: a path expected", function() filo.look(path) end)
    end
  end)
end)
