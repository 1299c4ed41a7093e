---What `filo put -r` keeps of files beside their content, and `filo get -r` gives back.

local commands = require "spec.support.commands"
local filo = require "filo"
local temp = require "spec.support.temp"

-- Modes, times below a second, symbolic links and empty folders were lost.

---Calls fn(house, run, shell) with a node that serves. run(...) and shell(commands) work in the house's folder, and give what they print.
local function serving(fn)
  local house <close> = commands.house()
  house:run("a", "init", "--listen", "127.0.0.1:0")
  house:serve "a"
  local function shell(text) return house:shell(text) end
  local function run(...)
    local result = house:within("a", ...)
    assert.same({ 0, "" }, { result.status, result.err })
    return result.out
  end
  fn(house, run, shell)
end

---Everything below the folder "d", with all that is to come back.
local function listing(shell, folder)
  return shell(("cd %s && find d -type f -printf '%%s ' -o -true , -printf '%%p %%y %%m %%T@ %%l\n' | sort"):format(temp.quote(folder)))
end

local TREE = [[
  umask 022; mkdir -p d/empty d/private/deep
  echo one > d/plain; echo two > d/program; echo three > d/private/secret
  ln -s plain d/link; ln -s /nowhere/at/all d/dangling; ln -s private d/to-folder
  chmod 755 d/program; chmod 400 d/private/secret; chmod 500 d/private; chmod 1777 d/empty
  touch -d '2020-01-02 03:04:05.123456789' d/plain; touch -h -d '2019-01-01 00:00:00.5' d/link
  touch -d '1960-01-01 00:00:00.25' d/program; touch -d '2021-01-01 00:00:00.000000001' d/private d/empty d
]]

describe("filo put -r and get -r", function()
  it("keep modes, times, symbolic links and empty folders", function()
    serving(function(_, run, shell)
      assert.equal("", shell(TREE))
      run("put", "-r", "d")
      run("get", "-r", "d", "-d", "out")
      assert.equal(listing(shell, "."), listing(shell, "out"))
      assert.equal("", run("get", "-r", "d/p*", "d/l*", "-d", "out"):gsub("[^\n]*  folder\n", ""))
    end)
  end)

  it("keep the holes of files, and make none elsewhere", function()
    serving(function(_, run, shell)
      shell "mkdir d; truncate -s 64M d/sparse; printf end >> d/sparse; head -c 1M /dev/zero > d/full; sync d/full d/sparse"
      run("put", "-r", "d")
      run("get", "-r", "d", "-d", "out")
      assert.equal("", shell "cmp d/sparse out/d/sparse && cmp d/full out/d/full")
      assert.is_true(tonumber(shell "stat -c %b out/d/sparse") < 64)
      assert.is_true(tonumber(shell "stat -c %b out/d/full") >= 2048)
    end)
  end)

  it("tell what has changed of them", function()
    serving(function(_, run, shell)
      shell(TREE)
      run("put", "-r", "d")
      assert.equal("stored 0, 0 B; 10 unchanged\n", (run("put", "-r", "d"):gsub("[^\n]*, unchanged\n", "")))
      shell "chmod 600 d/plain; ln -sfn program d/link; touch -d 2021-02-03 d; mkdir d/empty/more; touch -h -d 2021-02-03 d/to-folder"
      local changed = {}
      for line in run("put", "-r", "d"):gmatch "[^\n]+" do
        if not line:find "unchanged$" then changed[#changed + 1] = line:match "^(.-)  " end
      end
      table.sort(changed)
      assert.same({ "d/", "d/empty/", "d/empty/more/", "d/link", "d/plain", "d/to-folder" }, changed)
    end)
  end)
end)

describe("filo put and get --hard-links", function()
  it("keep the names of a file together, and no others", function()
    serving(function(house, run, shell)
      shell "mkdir -p d/e; echo x > d/one; ln d/one d/e/two; ln d/one three; echo x > d/other; ln d/other d/z"
      run("put", "-r", "d", "--hard-links")
      run("get", "-r", "d", "-d", "out", "--hard-links")
      assert.equal("2 2 2 2\n", shell "echo $(stat -c %h out/d/one out/d/e/two out/d/other out/d/z)")
      assert.equal("", shell "test out/d/one -ef out/d/e/two && test out/d/other -ef out/d/z && cat out/d/z | cmp - d/z")
      run("get", "-r", "d", "-d", "apart")
      assert.equal("1 1\n", shell "echo $(stat -c %h apart/d/one apart/d/e/two)")
      run("get", "-r", "-f", "d", "d/o*", "-d", "apart", "--hard-links")
      assert.equal("", shell "test apart/d/one -ef apart/d/e/two || echo apart")
      shell "rm out/d/one" -- of several names that are missing or not, the first one in order counts
      run("get", "-r", "d", "-d", "out", "--hard-links")
      assert.equal("", shell "test out/d/one -ef out/d/e/two || echo apart")
      assert.equal("x\n", house:within("a", "get", "d/e/two", "-o", "-").out)
      assert.equal(0, house:within("a", "rm", "d/e/two").status)
      assert.equal("x\n", house:within("a", "get", "d/one", "-o", "-").out)
    end)
  end)
end)

describe("filo put and get --owners", function()
  ---Changes owners, where this is root; else there is nobody else to give files to, and they stay.
  local CHOWN = "if test $(id -u) = 0; then chown 1234:2345 d/file; chown -h 4321:5432 d/link; chown 1234 d; fi"

  local function owners(shell, folder)
    return shell(("cd %s && stat -c '%%n %%u %%g %%a' d d/file d/link"):format(temp.quote(folder)))
  end

  it("keep owners, and the bits that belong to them, when both are asked to", function()
    serving(function(_, run, shell)
      shell("mkdir d; echo x > d/file; ln -s file d/link;" .. CHOWN .. "; chmod 4755 d/file")
      run("put", "-r", "d")
      run("get", "-r", "d", "-d", "without", "--owners")
      local id, group = shell("id -u"):match "%d+", shell("id -g"):match "%d+"
      assert.matches("d/file " .. id .. " " .. group .. " 755\n", owners(shell, "without"), 1, true)
      run("put", "-r", "d", "--owners")
      run("get", "-r", "d", "-d", "unasked")
      assert.matches("d/file " .. id .. " " .. group .. " 755\n", owners(shell, "unasked"), 1, true)
      run("get", "-r", "d", "-d", "out", "--owners")
      assert.equal(owners(shell, "."), owners(shell, "out"))
    end)
  end)
end)

describe("filo get", function()
  it("sets no bits that run programs as somebody else", function()
    serving(function(_, run, shell)
      shell "mkdir d; echo x > d/file; chmod 6755 d/file; chmod 3777 d"
      run("put", "-r", "d")
      run("get", "-r", "d", "-d", "out")
      assert.equal("755 out/d/file\n1777 out/d\n", shell "stat -c '%a %n' out/d/file out/d")
    end)
  end)

  -- Folders were 0755, and files 0644, until they had their modes; for good when the process was killed before.
  it("shows others nothing of a folder before that has its mode", function()
    serving(function(_, run, shell)
      shell "umask 022; mkdir -p d/private; for i in $(seq 200); do echo x > d/private/$i-$(printf %0200d 0); done; chmod 700 d/private"
      run("put", "-r", "d")
      run("put", "d/private/1-" .. ("0"):rep(200), "-k", "free/x") -- of this folder nothing is kept
      -- It prints more than a pipe holds, so that it cannot have ended at the first line.
      local looks = "{ read line; stat -c %a out/d/private; cat > all; stat -c %a out/free; }"
      local get = ("umask 022; FILO_ROOT=a %s get -r d free -d out --json | "):format(temp.quote(filo.program))
      assert.equal("700\n755\n", shell(get .. looks))
      assert.is_true(tonumber(shell "wc -c < all") > 70000)
      assert.equal("755 700\n", shell "echo $(stat -c %a out/d out/d/private)")
    end)
  end)

  -- They stayed 0700.
  it("gives folders that have no mode of their own the usual one", function()
    serving(function(house, _, shell)
      house:write("a", "node.lua", (house:read("a", "node.lua"):gsub("\n}%s*$", [[

  start = function(node)
    assert(node:store("bare/", "", { fields = { file = { kind = "d", modified = 1, nanoseconds = 1 } } }))
    assert(node:store("none/", "no folder"))
    for _, key in ipairs { "bare/x", "none/x" } do assert(node:store(key, "content")) end
    io.stderr:write "all stored\n"
  end,
}
]])))
      house.children[1]:close()
      house:serve("a"):expect "all stored"
      shell(("umask 022; FILO_ROOT=a %s get -r bare none -d out"):format(temp.quote(filo.program)))
      assert.equal("755 755 644 644\n", shell "echo $(stat -c %a out/bare out/none out/bare/x out/none/x)")
    end)
  end)

  it("shows others nothing of a file that it cannot give its owner and mode", function()
    serving(function(house, _, shell)
      house:write("a", "node.lua", (house:read("a", "node.lua"):gsub("\n}%s*$", [[

  start = function(node)
    local file = { kind = "f", mode = 256, modified = 1, nanoseconds = 1, owner = 0x7ffffff0, group = 0x7ffffff0 }
    assert(node:store("private", "content", { fields = { file = file } }))
    assert(node:store("public", "content"))
    io.stderr:write "all stored\n"
  end,
}
]])))
      house.children[1]:close()
      house:serve("a"):expect "all stored"
      local drop = shell "id -u" == "0\n" and "setpriv --bounding-set=-chown" or ""
      local told = shell(("umask 022; FILO_ROOT=a %s %s get private --owners"):format(drop, temp.quote(filo.program)))
      assert.matches("cannot set the owner of ./private: Operation not permitted", told, 1, true)
      assert.equal("600\n", shell "stat -c %a private")
      assert.equal("644\n", shell(("umask 022; FILO_ROOT=a %s get -q public; stat -c %%a public"):format(temp.quote(filo.program))))
    end)
  end)

  -- The file was removed before it was known whether there could be a link.
  it("leaves what is there when a link cannot take its place", function()
    serving(function(house)
      house.folder:write("file", "content")
      local files = require "filo.core.files"
      for _, make in ipairs {
        function() return files.make_link(house.folder.path, "file", ("x"):rep(5000), true, 0, 0) end,
        function() return files.link(house.folder.path, "file", "nothing", true) end,
      } do
        assert.is_nil((make()))
        assert.equal("content", house.folder:read "file")
      end
    end)
  end)

  it("replaces what is there by a symbolic link only when it is told to", function()
    serving(function(house, run, shell)
      shell "mkdir d; ln -s file d/link; echo x > d/file"
      run("put", "-r", "d")
      run("get", "d/link", "-d", "out")
      assert.equal("file\n", shell "readlink out/d/link")
      shell "ln -sfn elsewhere out/d/link"
      local result = house:within("a", "get", "-r", "d/link", "-d", "out")
      assert.equal(1, result.status)
      assert.matches("out/d/link is there already: %-f replaces it", result.err)
      run("get", "-f", "d/link", "-d", "out")
      assert.equal("file\n", shell "readlink out/d/link")
      run("get", "d/link", "-o", "named")
      assert.equal("file\n", shell "readlink named")
      result = house:within("a", "get", "d/link", "-o", "-")
      assert.same({ 1, "" }, { result.status, result.out })
      assert.matches("'d/link' is a symbolic link: it has no content", result.err)
    end)
  end)

  -- An object below the name of a link would be written to wherever that leads.
  it("writes nothing through a symbolic link that it has made itself", function()
    serving(function(house, run, shell)
      shell "mkdir elsewhere d; ln -s ../../elsewhere d/a; echo x > file; echo precious > elsewhere/target; ln -s elsewhere/target l"
      run("put", "-r", "d")
      run("put", "file", "-k", "d/a/file")
      run("put", "file", "-k", "d/a/target")
      shell "mkdir -p out"
      local result = house:within("a", "get", "-f", "d/a", "d/a/file", "d/a/target", "-d", "out")
      assert.equal(1, result.status)
      assert.matches("out/d/a goes through a symbolic link below out, and none is followed there", result.err)
      assert.equal("precious\n", shell "cat elsewhere/target; ls elsewhere | grep -v target")
    end)
  end)

  it("makes little of fields that make no sense", function()
    serving(function(house, run, shell)
      house:write("a", "node.lua", (house:read("a", "node.lua"):gsub("\n}%s*$", [[

  start = function(node)
    local files = {
      "text", { kind = "l" }, { kind = "l", target = "" },
      { kind = "l", target = 5 }, { kind = {}, mode = "0777", modified = {}, nanoseconds = -1 },
      { kind = "f", mode = -1, modified = 1, nanoseconds = 1 << 40 }, { kind = "l", target = "a\0b" }, { kind = "d", mode = 1 << 40 },
    }
    for i, file in ipairs(files) do assert(node:store("k" .. i, "content", { fields = { file = file } })) end
    io.stderr:write "all stored\n"
  end,
}
]])))
      house.children[1]:close()
      house:serve("a"):expect "all stored"
      local result = house:within("a", "get", "-r", "k*", "-d", "out")
      assert.same({ 1, "filo get: 'k8' is a folder: it has no content\nfilo get: 1 of 8 failed\n" }, { result.status, result.err })
      assert.equal(("content"):rep(7), shell "cat out/*")
      assert.equal("", run("get", "k1", "-q", "-o", "one"))
    end)
  end)
end)
