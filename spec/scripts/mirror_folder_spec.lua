local filo = require "filo"
local scripts = require "spec.support.scripts"
local small_disk = require "spec.support.disk"
local temp = require "spec.support.temp"

describe("scripts/mirror-folder.lua", function()
  it("stores what is new or has changed, deletes what is gone", function()
    local folder <close> = scripts.folder()
    local peers, processes = scripts.two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir -p " .. temp.quote(folder:file "files/sub folder"))
    folder:write("files/one", "1")
    folder:write("files/sub folder/zwei ü", "2")
    folder:write("files/empty", "")
    local function mirror() return scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", peers) end

    local result = mirror()
    assert.matches("^filo: a new node, %x+: keep a copy of [^\n]+/identity, [^\n]+\n$", result.err)
    assert.equal("3 stored, 0 deleted, 0 failed; 2 peers\n", result.out)
    assert.equal(0, result.status)
    assert.equal("0 stored, 0 deleted, 0 failed; 2 peers\n", mirror().out)

    folder:write("files/one", "changed")
    os.remove(folder:file "files/empty")
    assert.equal("1 stored, 1 deleted, 0 failed; 2 peers\n", mirror().out)

    os.execute("rm -rf " .. temp.quote(folder:file "root/objects"))
    local node <close> = assert(filo.node {
      root = folder:file "root", cluster = scripts.SECRET, bootstrap = { (peers:match "[^,]+") }, log = function() end,
    })
    assert.is_true(node:ready() >= 1) -- it knows the other, too
    for key, content in pairs { one = "changed", ["sub folder/zwei ü"] = "2" } do
      local object <close> = assert(node:get(key))
      assert.equal("peers", object.from)
      assert.equal(content, object:read "a")
    end
    assert.is_nil(node:get "empty")
  end)

  it("does nothing while a peer is away", function()
    local folder <close> = scripts.folder()
    local peers, processes = scripts.two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    folder:write("files/one", "1")
    processes[2]:close()
    local result = scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", peers)
    assert.equal(1, result.status)
    assert.matches("1 of 2 peers are connected: nothing was done", result.err)
  end)

  it("tells of a refusal, and stores the file again in the next run", function()
    local folder <close> = scripts.folder()
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    folder:write("files/one", "1")
    local full = true
    local node <close> = assert(filo.node {
      root = folder:file "peer", listen = "127.0.0.1:0", cluster = scripts.SECRET, log = function() end,
      policy = { name = "a test", accept = function() return not full, "full for now" end },
    })
    local function mirror() return scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", node.address) end
    local result = mirror()
    assert.equal(1, result.status)
    assert.equal("0 stored, 0 deleted, 1 failed; 1 peer\n", result.out)
    assert.matches("1 of 2 copies of 'one' were made .*full for now", result.err)
    full = false
    assert.equal("1 stored, 0 deleted, 0 failed; 1 peer\n", mirror().out)
  end)

  it("deletes at the peers a file that one of them refused and that is gone now", function()
    local folder <close> = scripts.folder()
    local peers, processes = scripts.two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    folder:write("files/kept", "1")
    folder:write("files/gone", "1")
    local node <close> = assert(filo.node {
      root = folder:file "full", listen = "127.0.0.1:0", cluster = scripts.SECRET, log = function() end,
      policy = { name = "a test", accept = function(offer) return offer.tombstone or false, "full" end },
    })
    local function mirror()
      return scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", peers .. "," .. node.address)
    end
    assert.equal("0 stored, 0 deleted, 2 failed; 3 peers\n", mirror().out)
    os.remove(folder:file "files/gone")
    assert.equal("0 stored, 1 deleted, 1 failed; 3 peers\n", mirror().out)
  end)

  it("stores a file of the same size that changed within a second", function()
    local folder <close> = scripts.folder()
    local peers, processes = scripts.two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    local path = folder:write("files/one", "1")
    local function mirror() return scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", peers).out end
    os.execute("touch -d @1000000000.25 " .. temp.quote(path))
    assert.equal("1 stored, 0 deleted, 0 failed; 2 peers\n", mirror())
    os.execute("touch -d @1000000000.5 " .. temp.quote(path))
    assert.equal("1 stored, 0 deleted, 0 failed; 2 peers\n", mirror())
    assert.equal("0 stored, 0 deleted, 0 failed; 2 peers\n", mirror())
  end)

  it("does nothing when the folder has no files: it may not be mounted", function()
    local folder <close> = scripts.folder()
    local peers, processes = scripts.two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir " .. temp.quote(folder:file "files"))
    local path = folder:write("files/one", "1")
    local function mirror() return scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", peers) end
    assert.equal("1 stored, 0 deleted, 0 failed; 2 peers\n", mirror().out)
    os.remove(path)
    local result = mirror()
    assert.equal(1, result.status)
    assert.matches("files has no files: nothing was done", result.err)
    folder:write("files/two", "2")
    assert.equal("1 stored, 1 deleted, 0 failed; 2 peers\n", mirror().out)
  end)

  it("wants a peer", function()
    local folder <close> = scripts.folder()
    local result = scripts.run(folder, "mirror-folder", folder.path, folder:file "root", " ")
    assert.equal(2, result.status)
    assert.matches("one of PEERS at least", result.err)
  end)

  it("refuses a folder that holds a root", function()
    local folder <close> = scripts.folder()
    local peers, processes = scripts.two_peers(folder)
    local _ <close> = processes
    local result = scripts.run(folder, "mirror-folder", folder.path, folder:file "root", peers)
    assert.equal(1, result.status)
    assert.matches("filo%-root lies within .*: choose a root elsewhere", result.err)
  end)
end)

-- What lay on a disk within the folder was deleted everywhere when that disk was not mounted.
describe("scripts/mirror-folder.lua", function()
  ---Calls fn(mirror, folder) with peers; mirror(...) gives what it wrote on stdout and stderr.
  local function with_peers(fn)
    local folder <close> = scripts.folder()
    local peers, processes = scripts.two_peers(folder)
    local _ <close> = processes
    os.execute("mkdir -p " .. temp.quote(folder:file "files/disk"))
    fn(function(...)
      local result = scripts.run(folder, "mirror-folder", folder:file "files", folder:file "root", peers, ...)
      return result.out, result.err, result.status
    end, folder)
  end

  ---Mounts a disk at a folder, or another folder of the same disk, with a file on it, until the end of the scope or until it is closed.
  local function mount(path, other)
    local name = temp.quote(path)
    local what = other and "--bind " .. temp.quote(other) or "-t tmpfs filo-spec"
    if not os.execute(("mount %s %s 2>/dev/null"):format(what, name)) then pending(small_disk.WHY_NOT) end
    assert(os.execute(("echo content > %s/there"):format(name)))
    local mounted = true
    return setmetatable({}, { __close = function()
      if mounted then assert(os.execute("umount " .. name)) end
      mounted = false
    end })
  end

  for _, case in ipairs {
    { what = "a disk within the folder", at = "files/disk", told = "disk of ", outside = "files/outside" },
    { what = "another folder of the same disk", at = "files/disk", other = "elsewhere", told = "disk of ", outside = "files/outside" },
    { what = "the folder's own disk", at = "files", told = "%. of ", outside = "files/outside" },
  } do
    it("deletes nothing of what lay on " .. case.what .. ", when that is not mounted", function()
      with_peers(function(mirror, folder)
        local other = case.other and folder:file(case.other)
        if other then os.execute("mkdir " .. temp.quote(other)) end
        do
          local _ <close> = mount(folder:file(case.at), other)
          folder:write(case.outside, "1")
          assert.equal("2 stored, 0 deleted, 0 failed; 2 peers\n", (mirror()))
        end
        folder:write("files/other", "1")
        for _ = 1, 2 do
          local out, err, status = mirror()
          assert.matches(" 0 deleted, 1 failed", out)
          assert.matches(case.told .. ".*files is not mounted: what lay there %(%d%) is not deleted without %-%-delete", err)
          assert.equal(1, status)
        end
        do
          local _ <close> = mount(folder:file(case.at), other)
          if case.at == "files" then folder:write(case.outside, "1") end
          assert.matches(" 0 failed", (mirror()))
        end
        local deleted = case.at == "files" and 2 or 1
        os.execute("touch " .. temp.quote(folder:file "files/other"))
        assert.matches((" %d deleted, 0 failed"):format(deleted), (mirror "--delete"))
        assert.matches(" 0 deleted, 0 failed", (mirror()))
      end)
    end)
  end

  it("deletes no more than a quarter, unless it is told to", function()
    with_peers(function(mirror, folder)
      for i = 1, 12 do folder:write("files/" .. i, "content") end
      assert.equal("12 stored, 0 deleted, 0 failed; 2 peers\n", (mirror()))
      for i = 1, 3 do os.remove(folder:file("files/" .. i)) end
      assert.equal("0 stored, 3 deleted, 0 failed; 2 peers\n", (mirror()))
      for i = 4, 7 do os.remove(folder:file("files/" .. i)) end
      local out, err, status = mirror()
      assert.same({ "0 stored, 0 deleted, 1 failed; 2 peers\n", 1 }, { out, status })
      assert.matches("4 of 9 files are gone, and are not deleted without %-%-delete: is a disk missing?", err)
      assert.equal("0 stored, 4 deleted, 0 failed; 2 peers\n", (mirror "--delete"))
    end)
  end)
end)
