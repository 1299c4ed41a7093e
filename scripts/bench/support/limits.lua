---What one core of this machine can do at most.

local filo = require "filo"
local crypto = filo.crypto
local programs = require "bench.support.programs"

local limits = {}

local MIB, COUNT = 1 << 20, 256

local function cost(fn)
  local began = os.clock()
  for _ = 1, COUNT do
    fn()
    filo.sleep(0)
  end
  return (os.clock() - began) * 1024 / COUNT
end

---CPU-seconds to encrypt a GiB with AES-256-CTR, without those that the copy of it takes.
---@return number
function limits.aes()
  local piece, stream = crypto.random(MIB), crypto.ctr(crypto.random(32), crypto.random(16))
  return cost(function() stream:crypt(piece) end) - cost(function() piece:sub(2) end)
end

---CPU-seconds to hash a GiB with BLAKE3.
---@return number
function limits.blake3()
  local piece = crypto.random(MIB)
  return cost(function() crypto.digest("blake3", piece) end)
end

---CPU-seconds to read a GiB of a file that is in memory, and to write it to another, as `dd` does.
---@param source string  256 MiB or more
---@param copy string  is written, and removed
---@return number
function limits.copy(source, copy)
  local script = 'dd if="$1" of="$2" bs=256k count=1024 2>/dev/null; rm "$2"; times'
  local told = programs.run { "sh", "-c", script, "sh", source, copy }.stdout
  local user, user_seconds, system, system_seconds = told:match "\n(%d+)m([%d.]+)s (%d+)m([%d.]+)s"
  return (user * 60 + user_seconds + system * 60 + system_seconds) * 1024 / COUNT
end

return limits
