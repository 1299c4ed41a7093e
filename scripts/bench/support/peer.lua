-- A peer of the benchmark, which tells what it uses. Started by cluster.lua: ROOT, SECRET, and options as NAME=VALUE.

local filo = require "filo"

local function peak_memory()
  for line in io.lines "/proc/self/status" do
    local kib = line:match "^VmHWM:%s+(%d+)"
    if kib then return tonumber(kib) * 1024 end
  end
end

local options = {
  root = arg[1], cluster = arg[2], listen = "127.0.0.1:0", reserve = 0,
  log = function(level, message)
    if level == "error" then io.stderr:write(message, "\n") end
  end,
}
for i = 3, #arg do
  local name, text = arg[i]:match "^(.-)=(.*)$"
  options[name] = load("return " .. text, "=option")()
end

local node <close> = assert(filo.node(options))
node:handle("bench.cpu", function() return os.clock() end)
node:handle("bench.memory", peak_memory)
node:handle("bench.objects", function() return node:usage("total")[1].objects end)
node:handle("bench.echo", function(body) return body end)
io.stdout:write(node.address, "\n")
io.stdout:flush()
node:wait()
