---Thousands of small files, as the commands store, get and delete them while `filo serve` runs.

local filo = require "filo"
local folder = require "bench.support.folder"
local measure = require "bench.support.measure"
local programs = require "bench.support.programs"

local COUNT, SIZE, RUNS = 3000, 2048, 3

---A node that is served, and which another has joined.
local function serve(path)
  local function command(...) programs.run { filo.program, ... } end
  local function start(root)
    local process = assert(filo.start { "sh", "-c", 'exec "$0" serve --root "$1" 2> "$1.log"', filo.program, root })
    for _ = 1, 500 do
      if filo.look(root .. "/control") then return process end
      filo.sleep(0.02)
    end
    error("the node does not start: " .. root .. ".log")
  end
  local home, away = path .. "/home", path .. "/away"
  command("init", "--root", home, "--listen", "127.0.0.1:" .. programs.port())
  local first = start(home)
  local token = assert(filo.run { filo.program, "invite", "--root", home }).stdout
  local joined = assert(filo.run {
    filo.program, "join", "-", "--root", away, "--listen", "127.0.0.1:" .. programs.port(), stdin = token,
  })
  assert(joined.status == 0, joined.stderr)
  return home, first, start(away)
end

local function filo_works(path, home)
  local back = path .. "/filo-back"
  local function timed(...)
    local command = { filo.program, ... }
    command.cwd = path
    return measure.seconds(function() programs.run(command) end)
  end
  return {
    { "put", function() return timed("put", "-r", "-q", "--root", home, "tree") end },
    { "get", function()
      assert(filo.run { "rm", "-rf", back })
      assert(filo.run { "mkdir", back })
      return timed("get", "-r", "-q", "--root", home, "--directory", back, "tree/")
    end },
    { "rm", function() return timed("rm", "-r", "-q", "--root", home, "tree/") end },
  }
end

local function rsync_works(path, url)
  local function rsync(from, to, place)
    return function()
      assert(filo.run { "rm", "-rf", place })
      return measure.seconds(function() programs.run { "rsync", "-a", "--fsync", from, to } end)
    end
  end
  return {
    { "rsync put", rsync(path .. "/tree", url .. "copy", path .. "/copy") },
    { "rsync get", rsync(url .. "copy", path .. "/back", path .. "/back") },
  }
end

---@type bench.Part
return function(report)
  local temporary <close> = folder.temporary()
  local path = temporary.path
  folder.tree(path .. "/tree", COUNT, SIZE)
  local home, first, second = serve(path)
  local _ <close> = first
  local _ <close> = second
  local rsync <close>, url = programs.rsync(path)
  local works = filo_works(path, home)
  if rsync then
    for _, work in ipairs(rsync_works(path, url)) do works[#works + 1] = work end
  end
  local medians = measure.in_turns(RUNS, works)
  local function row(work, name, reach)
    local peer = medians["rsync " .. name]
    report {
      work = work, filo = medians[name][1], unit = "s", beside = peer and "rsync -a --fsync", peer = peer and peer[1], reach = reach,
    }
  end
  row(("filo put -r of %d files of 2 KiB"):format(COUNT), "put")
  row(("filo get -r of %d files"):format(COUNT), "get", "2 s")
  row(("filo rm -r of %d keys"):format(COUNT), "rm", "2 s")
  if not rsync then report { work = "files", missing = "rsync is not installed" } end
end
