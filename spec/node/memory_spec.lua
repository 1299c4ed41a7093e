-- A whole file was held in memory, three times over. Each node is a process of its own here, whose peak the system tells.

local nodes = require "spec.support.nodes"
local process = require "spec.support.process"
local temp = require "spec.support.temp"

local FILE = 128 << 20
local MOST = 40 << 20

---With a sanitizer, each byte has shadows and what is freed is kept for a while: then the file is the bound.
local ALLOWED = require("filo").program:find "/release/" and MOST or FILE
local ENVIRONMENT = { ASAN_OPTIONS = (os.getenv "ASAN_OPTIONS" or "") .. ":quarantine_size_mb=16" }

local PEAK = [[
  local function peak()
    for line in io.lines "/proc/self/status" do
      local kib = line:match "^VmHWM:%s+(%d+) kB"
      if kib then return kib * 1024 end
    end
  end
  local filo = require "filo"
  local function say(...)
    print(...)
    io.stdout:flush()
  end
]]

local KEEPER = PEAK .. [[
  local node <close> = assert(filo.node {
    root = arg[1], listen = "127.0.0.1:0", cluster = arg[2], durability = "none", reserve = 0, log = function() end,
  })
  node:on("accepted", function() say("accepted", peak() // 1) end)
  node:handle("peak", function() return peak() // 1 end)
  say("at", node.address)
  node:wait()
]]

local OWNER = PEAK .. [[
  local node <close> = assert(filo.node {
    root = arg[1], bootstrap = { arg[3], arg[4] }, cluster = arg[2], durability = "none", reserve = 0, log = function() end,
  })
  assert(node:ready() == 2)
  assert(#assert(node:store("key", filo.file(arg[5]))).copies == 3)
  say("stored", peak() // 1)
  assert(node:evict "key")
  do
    local object <close> = assert(node:get "key")
    assert(object:save(arg[6]))
  end
  say("got", peak() // 1)
  local hasher, object <close> = filo.crypto.hasher "sha256", assert(node:get "key")
  for piece in object:chunks() do hasher:update(piece) end
  say("read", peak() // 1, filo.crypto.hex(hasher:finish()))
  for _, peer in ipairs(node:peers()) do say("peer", (node:request(peer, "peak"))) end
]]

describe("memory", function()
  it("does not grow with the file, at an owner that stores and gets, and at peers that keep copies", function()
    local folder <close> = temp.folder()
    local file, copy = folder:file "file", folder:file "copy"
    os.execute(("openssl enc -aes-128-ctr -nosalt -K %032d -iv %032d -in /dev/zero 2>/dev/null | head -c %d > %s"):format(
      0, 0, FILE, temp.quote(file)))
    local keeper, owner = folder:write("keeper.lua", KEEPER), folder:write("owner.lua", OWNER)
    local one <close> = process.start { keeper, folder:file "one", nodes.SECRET, env = ENVIRONMENT }
    local two <close> = process.start { keeper, folder:file "two", nodes.SECRET, env = ENVIRONMENT }
    local at, also = one:expect "at\t(%S+)", two:expect "at\t(%S+)"
    local result = process.run { owner, folder:file "owner", nodes.SECRET, at, also, file, copy, env = ENVIRONMENT }
    assert.equal("", result.err)
    assert.equal(0, process.run({ program = "cmp", file, copy }).status)
    assert.equal(process.run({ program = "sha256sum", file }).out:sub(1, 64), result.out:match "read\t%d+\t(%x+)")
    local peaks = 0
    for what, peak in (result.out .. one:output() .. two:output()):gmatch "(%a+)\t(%d+)[^\n]*\n" do
      if what ~= "at" then
        peaks = peaks + 1
        assert.is_true(tonumber(peak) < ALLOWED, ("%s: %d MiB"):format(what, tonumber(peak) >> 20))
      end
    end
    assert.equal(7, peaks)
  end)
end)
