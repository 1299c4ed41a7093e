---A file is sealed into the store of a node that has no peers, beside the two things that have to be done to each byte.

local cluster = require "bench.support.cluster"
local filo = require "filo"
local folder = require "bench.support.folder"
local limits = require "bench.support.limits"
local measure = require "bench.support.measure"

local MIB, RUNS = 512, 5
local GIB = MIB / 1024

local function cpu(fn)
  local began = os.clock()
  fn()
  return (os.clock() - began) / GIB
end

local function read_to_the_end(node, key)
  local object <close> = assert(node:get(key))
  for _ in object:chunks() do end -- each chunk was verified and decrypted
end

---@type bench.Part
return function(report)
  local temporary <close> = folder.temporary()
  local source = temporary.path .. "/source"
  folder.fill(source, MIB)
  local node <close> = assert(filo.node(cluster.options { root = temporary.path .. "/root" }))

  local medians = measure.in_turns(RUNS, {
    { "limit", function() return limits.aes() + limits.blake3() end },
    { "copy", function() return limits.copy(source, temporary.path .. "/copy") end },
    { "seal", function()
      node:delete "sealed"
      folder.settle(source, 2 * MIB)
      return cpu(function() assert(node:store("sealed", filo.file(source))) end)
    end },
    { "open", function() return cpu(function() read_to_the_end(node, "sealed") end) end },
  })
  local least = medians.limit[1]
  local beside = "AES-256-CTR + BLAKE3"
  report { work = "seal a file of 512 MiB", filo = medians.seal[1], unit = "CPU-s/GiB", beside = beside, peer = least, reach = "1.35 x" }
  report { work = "seal a file of 512 MiB", filo = medians.seal[1], unit = "CPU-s/GiB", beside = "the same, and dd from file to file",
    peer = least + medians.copy[1] }
  report { work = "open it: verify, decrypt, read", filo = medians.open[1], unit = "CPU-s/GiB", beside = beside, peer = least }
end
