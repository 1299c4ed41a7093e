---A copy here that cannot be read, and is not known to be bad.

local deaf = require "spec.support.deaf"
local filo = require "filo"
local lfs = require "lfs"
local nodes = require "spec.support.nodes"

-- A copy here that could not be opened (a newer Filo had written it, or its disk gave an error) failed a get that peers could have served.

local FORMAT_AT = -12 -- of the footer; all bits flipped it is one that may come one day

local function read(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

describe("a copy here that cannot be opened", function()
  it("is passed over for those of peers, with a warning, and stays", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    for _, size in ipairs { 0, 10, 3 << 20 } do
      local content = nodes.bytes(size)
      assert(a:store("key", content))
      local place = nodes.place(a, a, "key")
      nodes.flip(place, FORMAT_AT)
      local before = read(place)
      assert.is_true(content == nodes.content(a, "key"))
      assert.is_truthy(net:logged "^a warning: .*'key'.*peers are asked: .*/objects/.* a newer Filo made it")
      assert.is_true(before == read(place))
      nodes.flip(place, FORMAT_AT)
      local object <close> = assert(a:get "key")
      assert.equal("here", object.from)
      net.lines = {}
    end
  end)

  it("is named when no peer has another", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", "content"))
    nodes.flip(nodes.place(a, a, "key"), FORMAT_AT)
    local object, err = a:get "key"
    assert.is_nil(object)
    assert.equal("unsupported", err.code)
    assert.equal("key", err.key)
    assert.matches("^cannot get 'key': .*/objects/.* has format 253: a newer Filo made it$", tostring(err))
    assert.equal("unsupported", select(2, a:stat "key").code)
  end)

  it("does not hide that the object was deleted", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    assert(a:store("key", "content"))
    local place = nodes.place(a, a, "key")
    assert(os.rename(place, place .. ".away"))
    assert(a:delete "key")
    assert(os.rename(place .. ".away", place))
    nodes.flip(place, FORMAT_AT)
    local object, err = a:get "key"
    assert.is_nil(object)
    assert.equal("'key' was deleted", tostring(err))
    assert.is_truthy(b)
  end)
end)

-- A copy here of which some bytes could not be read (EIO) failed a get, or what was read of it, though peers had a good one.

local SIZE = (3 << 20) + 5
local STEP, TAIL = 256 << 10, 8192

---Where what lies here is read in steps, since it is not verified yet; what comes from a peer is read a chunk at a time.
local IN_A_CHUNK = (1 << 20) + STEP

local GET = [[
  local filo = require "filo"
  local warnings = {}
  local node <close> = assert(filo.node {
    root = arg[1], bootstrap = { arg[2] }, cluster = arg[3], durability = "none", reserve = 0,
    log = function(level, message) table.insert(warnings, level .. ": " .. message) end,
  })
  assert(node:ready(20) == tonumber(arg[4]))
  local function digest(bytes) return bytes and filo.crypto.hex(filo.crypto.digest("sha256", bytes)) end
  local function show(how, read)
    local object <close>, err = node:get "key"
    if not object then return print(how, err.code, err) end
    local bytes, problem = read(object)
    print(how, object.from, digest(bytes) or problem.code)
  end
  show("all", function(object) return object:read "a" end)
  show("part", function(object) return object:range(0, object.size) end)
  show("save", function(object)
    local ok, err = object:save(arg[5])
    if not ok then return nil, err end
    local file <close> = assert(io.open(arg[5], "rb"))
    return file:read "a"
  end)
  local about = {} -- this copy: that peers cannot be told of deletions meanwhile comes when it likes
  for _, warning in ipairs(warnings) do about[#about + 1] = warning:match "^.*the copy of 'key' here.*$" end
  print(about[1])
]]

describe("a copy here of which some bytes cannot be read", function()
  ---What a process where reading at an offset fails gets of a's object, with so many peers.
  local function get(net, a, peer, at, peers)
    return deaf.run(net.folder, "pread64@" .. at, GET, a.root, peer, nodes.SECRET, tostring(peers), net.folder:file "saved")
  end

  it("is passed over for those of peers, with a warning, and stays", function()
    local net <close> = nodes.net()
    local a, b = net:cluster(2)
    local content = nodes.bytes(SIZE)
    assert(a:store("key", content))
    local place = nodes.place(a, a, "key")
    local sum = filo.crypto.hex(filo.crypto.digest("sha256", content))
    net:stop "a"
    local length = lfs.attributes(place, "size")
    for at, from in pairs { [IN_A_CHUNK] = "here", [length - TAIL] = "peers" } do
      local out = get(net, a, b.address, at, 1)
      assert.equal(("all\t%s\t%s\npart\t%s\t%s\nsave\t%s\t%s\n"):format(from, sum, from, sum, from, sum), (out:match "^(.*\n)[^\n]*\n$"))
      assert.matches("\nwarning: the copy of 'key' here cannot be read, and peers are asked: .*Input/output error\n$", out)
      assert.is_true(nodes.exists(place))
    end
    net.options.a.bootstrap = nil
    a = net:restart "a"
    local object <close> = assert(a:get "key")
    assert.equal("here", object.from)
    assert.is_true(content == object:read "a")
  end)

  it("is not thought of when it is the file to save to that fails", function()
    local net <close> = nodes.net()
    local a = net:cluster(2)
    assert(a:store("key", nodes.bytes(SIZE)))
    local object <close> = assert(a:get "key")
    for _, path in ipairs { net.folder.path, net.folder:file "no/such/file", "/dev/full" } do
      assert.is_nil((object:save(path)))
    end
    assert.is_nil(net:logged "peers are asked")
  end)

  it("gives what can be read of it when no peer has another, and why there is no more", function()
    local net <close> = nodes.net()
    local a = net:start "a"
    assert(a:store("key", nodes.bytes(SIZE)))
    net:stop "a"
    local other = net:start "b"
    local out = get(net, a, other.address, IN_A_CHUNK, 1)
    assert.matches("^all\there\tio\npart\there\tio\nsave\there\tio\n", out)
  end)
end)
