---The world as node logic sees it: clock, randomness, tasks, store and network. Node, peers and replication reach
---these only through such a table, so that the same code can run on a simulated one.

local cbor = require "filo.core.cbor"
local crypto = require "filo.core.crypto"
local net = require "filo.core.net"
local runtime = require "filo.core.runtime"
local store = require "filo.core.store"
local task = require "filo.host.task"

---@class filo.Host
local host = {
  now = runtime.now,       -- seconds on a clock that never goes back
  time = runtime.time,     -- microseconds since 1970
  random = crypto.random,  -- bytes
  sleep = runtime.sleep,
  spawn = runtime.spawn_detached,
  spawn_child = runtime.spawn,
  current = runtime.current,
  suspend = runtime.suspend,
  wake = runtime.wake,
  pinned = runtime.pinned, -- calls a function that cannot wait
  channel = task.channel,

  encode = cbor.encode,
  decode = cbor.decode,
  crypto = crypto,  -- pure functions, and identities
  store = store,    -- open, paths, records
  net = net,        -- tls, listen, dial
}

local nodes = setmetatable({}, { __mode = "k" })
local nodes_made = 0

---A node has been made.
function host.opened(node)
  nodes_made = nodes_made + 1
  nodes[node] = nodes_made
end

---The open nodes of this process, in the order in which they were made.
function host.nodes()
  local list = {}
  for node in pairs(nodes) do
    if not node.closed then list[#list + 1] = node end
  end
  table.sort(list, function(a, b) return nodes[a] < nodes[b] end)
  return list
end

---A line for people about what went wrong or changed; level: "error", "warning" or "info".
function host.log(level, message)
  if level ~= "info" then io.stderr:write("filo: ", message, "\n") end
end

return host
