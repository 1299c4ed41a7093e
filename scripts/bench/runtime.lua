---Tasks, channels and sockets, beside cqueues: the same work by another scheduler of coroutines, in the same process.

local filo = require "filo"
local measure = require "bench.support.measure"

local RUNS, TASKS, VALUES, ECHOES = 9, 5000, 20000, 3000
local BYTES = ("x"):rep(64)

local function nothing() end

-- What Filo does ----------------------------------------------------------------------------------------------------------

local ours = {}

function ours.spawn()
  for _ = 1, TASKS do filo.spawn(nothing) end
  filo.sleep(0)
end

function ours.join()
  for _ = 1, TASKS do filo.spawn(nothing):join() end
end

function ours.hand_over()
  local channel = filo.channel()
  local sender = filo.spawn(function()
    for number = 1, VALUES do channel:send(number) end
  end)
  for _ = 1, VALUES do channel:receive() end
  sender:join()
end

local function echo_one(listener)
  local connection = assert(listener:accept())
  for bytes in function() return connection:read(#BYTES) end do assert(connection:write(bytes)) end
  connection:close()
end

function ours.echo()
  local listener = assert(filo.listen "127.0.0.1:0")
  local server = filo.spawn(echo_one, listener)
  local connection = assert(filo.dial(listener:address()))
  for _ = 1, ECHOES do
    assert(connection:write(BYTES))
    assert(connection:read(#BYTES))
  end
  connection:close()
  server:join()
  listener:close()
end

-- What cqueues does -------------------------------------------------------------------------------------------------------

local function with_cqueues(cqueues)
  local condition, socket = require "cqueues.condition", require "cqueues.socket"
  local theirs = {}

  ---Runs functions until all have ended.
  local function run(...)
    local queue = cqueues.new()
    for _, fn in ipairs { ... } do queue:wrap(fn) end
    assert(queue:loop())
  end

  function theirs.spawn()
    local queue = cqueues.new()
    for _ = 1, TASKS do queue:wrap(nothing) end
    assert(queue:loop())
  end

  function theirs.join()
    run(function()
      local queue = cqueues.running()
      for _ = 1, TASKS do
        local ended, told = false, condition.new()
        queue:wrap(function()
          nothing()
          ended = true
          told:signal()
        end)
        while not ended do told:wait() end
      end
    end)
  end

  ---A queue that holds one value.
  function theirs.hand_over()
    local held, filled, emptied = nil, condition.new(), condition.new()
    run(function()
      for number = 1, VALUES do
        while held do emptied:wait() end
        held = number
        filled:signal()
      end
    end, function()
      for _ = 1, VALUES do
        while not held do filled:wait() end
        held = nil
        emptied:signal()
      end
    end)
  end

  function theirs.echo()
    local listener = socket.listen("127.0.0.1", 0)
    assert(listener:listen())
    local _, host, port = listener:localname()
    run(function()
      local connection = assert(listener:accept())
      connection:setmode("bn", "bn")
      for bytes in function() return connection:read(#BYTES) end do assert(connection:write(bytes)) end
      connection:close()
    end, function()
      local connection = assert(socket.connect(host, port))
      connection:setmode("bn", "bn")
      for _ = 1, ECHOES do
        assert(connection:write(BYTES))
        assert(connection:read(#BYTES))
      end
      connection:close()
    end)
    listener:close()
  end

  return theirs
end

local WORKS = {
  { "spawn", "start a task that does nothing, and run it", TASKS },
  { "join", "start one, and wait for its end", TASKS },
  { "hand_over", "hand a value from task to task", VALUES },
  { "echo", "echo 64 bytes over TCP", ECHOES },
}

local function rate(fn, count)
  collectgarbage()
  return count / measure.seconds(fn)
end

---@type bench.Part
return function(report)
  local installed, cqueues = pcall(require, "cqueues")
  local theirs = installed and with_cqueues(cqueues)
  for _, work in ipairs(WORKS) do
    local name, words, count = table.unpack(work)
    local turns = { { "filo", function() return rate(ours[name], count) end } }
    if theirs then turns[2] = { "cqueues", function() return rate(theirs[name], count) end } end
    local medians = measure.in_turns(RUNS, turns)
    report {
      work = words, filo = medians.filo[1], unit = "/s", beside = theirs and "cqueues", peer = theirs and medians.cqueues[1],
      reach = theirs and "1.00 x",
    }
  end
  if not theirs then report { work = "the same by cqueues", missing = "lua-cqueues is not installed" } end
end
