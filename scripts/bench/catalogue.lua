---What the catalogue of a root with many objects takes: OBJECTS of them in the environment, or 100000.

local filo = require "filo"
local folder = require "bench.support.folder"
local measure = require "bench.support.measure"

local COUNT = math.tointeger(tonumber(os.getenv "OBJECTS" or 100000))
local SIZE, WRITERS, FOLDER = 1024, 32, 100 -- as many objects in each folder

local function key_of(i) return ("objects/%06d/%09d"):format(i // FOLDER, i) end

---A folder in the middle of all.
local SOME = ("objects/%06d/"):format(COUNT // FOLDER // 2)

local function open(root, options)
  options.root, options.reserve, options.log = root, 0, function() end
  return assert(filo.node(options))
end

local function make_objects(root)
  local node <close> = open(root, { durability = "none" })
  local text, next, tasks = ("x"):rep(SIZE), 0, {}
  for i = 1, WRITERS do
    tasks[i] = filo.spawn(function()
      while next < COUNT do
        next = next + 1
        assert(node:store(key_of(next - 1), text))
      end
    end)
  end
  for _, task in ipairs(tasks) do task:join() end
end

---Until lists can be asked for; and closes it in order.
local function open_ready(root)
  local began = filo.now()
  local node <close> = open(root, { durability = "group" })
  node:keys "none"()
  return filo.now() - began
end

---Runs a command, and gives the seconds until it prints something, and until its end.
local function run(root, ...)
  local command, began, first = { filo.program, ... }, filo.now(), nil
  command.env = { FILO_ROOT = root }
  local process <close> = assert(filo.start(command))
  while process.stdout:read(65536) do first = first or filo.now() - began end
  assert(process:wait().status == 0)
  return first, filo.now() - began
end

local function list_folder(root)
  local node <close> = open(root, { readonly = true })
  node:keys "none"()
  return measure.seconds(function()
    local found = 0
    for _ in node:keys(SOME) do found = found + 1 end
    assert(found == math.min(FOLDER, COUNT))
  end)
end

local IDLE = [[
  local filo = require "filo"
  local node <close> = assert(filo.node { root = os.getenv "FILO_ROOT", reserve = 0 })
  node:keys "none" ()
  filo.sleep(2)
  print(filo.memory())
]]

local function idle_memory(root)
  local result = assert(filo.run { filo.program, "-e", IDLE, env = { FILO_ROOT = root } })
  return tonumber(result.stdout) / (1 << 20)
end

---@type bench.Part
return function(report)
  local temporary <close> = folder.temporary()
  local root = temporary.path .. "/root"
  local function row(work, filo_took, unit, reach) report { work = work, filo = filo_took, unit = unit, reach = reach } end
  row(("making %d objects of 1 KiB"):format(COUNT), measure.seconds(function() make_objects(root) end), "s")
  row("their catalogue from the files", open_ready(root), "s", "90 s for 1000000")
  row("opening the root after a close in order", open_ready(root) * 1e3, "ms", "200 ms")
  local first, whole = run(root, "ls")
  row("filo ls, to its first line", first * 1e3, "ms", "100 ms")
  row("filo ls", whole, "s", "6 s for 1000000")
  row(("filo ls of a folder of %d"):format(FOLDER), select(2, run(root, "ls", SOME)) * 1e3, "ms")
  row(("node:keys of a folder of %d"):format(FOLDER), list_folder(root) * 1e3, "ms", "20 ms")
  row("memory of a node that does nothing", idle_memory(root), "MiB", "24 MiB")
end
