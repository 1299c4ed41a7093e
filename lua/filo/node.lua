---The node: one identity, one store, its peers, and the calls that a script makes on it. Calls are checked here; what they do is in
---node/ and replication/.

local configuring = require "filo.node.configuring"
local errors = require "filo.base.errors"
local make = require "filo.node.make"
local names = require "filo.copies.names"
local placement = require "filo.placement.plan"
local setup = require "filo.node.setup"
local source = require "filo.node.content"

---A node: an identity, a store of objects, and peers that hold copies of them. May be a `<close>` variable.
---@class filo.Node
---@field id string  node ID, 64 hex digits
---@field root string
---@field address? string  numeric address where it listens
local Node = {}
Node.__index = Node

---What stands for a key at peers.
---@param key string
---@return string  32 bytes
function Node:key_hash(key) return self.names:hash(key) end

---Where an object lies below its namespace's folder.
---@param key_hash string
---@return string?, filo.Error?
function Node:path_of(key_hash) return self.names:path(key_hash) end

---A task of the node: cancelled when the node closes.
function Node:spawn(fn, ...) return self.tasks:spawn(fn, ...) end

local function check_open(self, level)
  if self.closed then error("the node is closed", (level or 2) + 1) end
end

---The name of a key that a script gave to the caller of this. Misuse is an error at the script's line.
local function name_of(self, key)
  check_open(self, 3)
  local ok, err = names.check_key(key, 3)
  if not ok then return nil, err end
  return self.names:of(key)
end

-- Objects ---------------------------------------------------------------------------------------------------------------

---Stores content under a key: sealed and published here, then copied to peers as the policy says.
---@param key string?  1 to 4096 bytes; nil: the SHA-256 of the content, in hex
---@param content string|function|filo.File|file*  bytes; a function that gives pieces and then nil; filo.file(path); an open file
---@param given? {fields?: table, encrypt?: boolean}  the user's own fields, kept sealed; encrypt = false stores public data as it is
---@return filo.Receipt?, filo.Error?
function Node:store(key, content, given)
  check_open(self)
  given = setup.check_store_options(given)
  local ok, err = pcall(self.host.encode, given.fields)
  if not ok then error("store: option 'fields': " .. tostring(err), 2) end
  if not source.is_content(content) then error("store: " .. source.EXPECTED .. ", not a " .. type(content), 2) end
  if key ~= nil then ok, err = names.check_key(key, 2) end
  if not ok then return nil, err end
  return self.storing:store(key, content, given)
end

---Opens an object for reading: the copy here, or one that is fetched from peers, from several at once. A fetched copy is kept here;
---reading may start before its last byte has come. newest: peers are asked although a copy is here, and the newest of all counts.
---@param key string
---@param given? {newest?: boolean}
---@return filo.Object?, filo.Error?
function Node:get(key, given)
  local name, err = name_of(self, key)
  local newest = setup.check_get_options("get", given).newest
  if not name then return nil, err end
  return self.getting:open(name, newest)
end

---Makes the copies that the policy asks for by now, of what is stored here. A peer that holds one already counts, and one that holds a
---part of it is sent the rest. For what was stored when peers were away. "exists": a peer has a newer version, or knows of a deletion, so
---that what is here is old, as on a root that was restored from a backup.
---@param key string
---@return filo.Receipt?, filo.Error?
function Node:replicate(key)
  local name, err = name_of(self, key)
  if not name then return nil, err end
  return self.storing:replicate(name)
end

---Makes sure that a whole copy is here, and gives what `stat` does. For what is to be read later, when no peer may be there. newest: as for
---`get`.
---@param key string
---@param given? {newest?: boolean}
---@return table?, filo.Error?
function Node:fetch(key, given)
  local name, err = name_of(self, key)
  local newest = setup.check_get_options("fetch", given).newest
  if not name then return nil, err end
  return self.getting:fetch(name, newest)
end

---What is known of an object without its content: key, size, version, modified, fields, encrypted, from ("here" or "peers").
---@param key string
---@return table?, filo.Error?
function Node:stat(key)
  local name, err = name_of(self, key)
  if not name then return nil, err end
  return self.getting:stat(name)
end

---Whether there is such an object, here or at a connected peer.
---@param key string
---@return boolean
function Node:has(key)
  local name = name_of(self, key)
  return name ~= nil and self.getting:stat(name) ~= nil
end

---The objects stored here whose key starts with prefix, in no order, for a `for` loop: as `stat` gives them.
---@param prefix? string
---@param on_corrupt? fun(path: string)  told of each file that should be an object and is none any more, whatever its key was
---@return fun(): table?
function Node:list(prefix, on_corrupt)
  check_open(self)
  if prefix ~= nil and type(prefix) ~= "string" then error("list: a prefix must be a string", 2) end
  if on_corrupt ~= nil and type(on_corrupt) ~= "function" then error("list: a function expected", 2) end
  return self.listing:items(prefix or "", on_corrupt)
end

---Deletes an object everywhere: a signed tombstone takes its place here and at every peer, and a node that was away cannot
---bring it back.
---@param key string
---@return filo.Receipt?, filo.Error?
function Node:delete(key)
  local name, err = name_of(self, key)
  if not name then return nil, err end
  return self.deleting:delete(name)
end

---Removes this node's own copy only, to free its space; the object stays at the peers. First a connected peer reads all of its copy and
---checks it, which takes as long as its disk does. When none has a good one, the copy here stays, too: then nil and "not_enough_copies".
---@param key string
---@return true?, filo.Error?
function Node:evict(key)
  local name, err = name_of(self, key)
  if not name then return nil, err end
  return self.deleting:evict(name)
end

---Checks the copy here against its hashes, chunk by chunk. A bad one is set aside.
---@param key string
---@return true?, filo.Error?
function Node:verify(key)
  local name, err = name_of(self, key)
  if not name then return nil, err end
  local fields, ok
  fields, err = self.names:stat(name)
  if fields and fields.tombstone then return names.deleted(key) end
  if not fields and err.code == "not_found" then return nil, err end
  if fields or err.code == "corrupt" then ok, err = self.verifier:check(self.namespace, name.path) end
  if ok then return true end
  return nil, errors.wrap(err, ("the copy of '%s' here is not good"):format(key), { key = key })
end

---Every copy of an object: what this node has, and what each connected peer says that it has. This one comes first.
---@param key string
---@return filo.Copy[]?, filo.Error?
function Node:copies(key)
  local name, err = name_of(self, key)
  if not name then return nil, err end
  return self.survey:copies(name)
end

---What the policy asks for by now, beside the copies that there are: `quorum`, `copies` (IDs of who holds the newest version), `enough`,
---`make` (IDs of peers that should get one), `may_drop` (the copy here is not the last that is known of), `why`.
---@param key string
---@return filo.Plan?, filo.Copy[]|filo.Error
function Node:placement(key)
  local name, err = name_of(self, key)
  if not name then return nil, err end
  local item
  item, err = self.getting:stat(name)
  if not item then return nil, err end
  local info = { key = key, key_hash = name.hash, namespace = self.namespace, version = item.version, size = item.size }
  local copies = self.survey:copies(name)
  local plan
  plan, err = self:plan(info, copies)
  if not plan then return nil, err end
  return plan, copies
end

---What is on its way right now.
---@return filo.Activity[]
function Node:activity()
  check_open(self)
  return self.activities:list()
end

-- Peers -----------------------------------------------------------------------------------------------------------------

---The connected peers, in the order of their IDs.
---@return filo.Peer[]
function Node:peers()
  check_open(self)
  return self.peer_list:list()
end

---Connects to a node, once; `bootstrap` addresses are redialled, this one is not.
---@param address string|{address: string, id: string}  "host:port", and the ID of the node that must be there
---@return filo.Peer?, filo.Error?
function Node:connect(address)
  check_open(self)
  local target = setup.check_target("connect", address)
  return self.peer_list:connect(target)
end

---Answers requests of a topic from peers: fn(body, peer) gives the answer, or nil, err. Filo's own topics cannot be taken.
---@param topic string
---@param fn fun(body: any, peer: filo.Peer): any, filo.Error?
function Node:handle(topic, fn)
  check_open(self)
  setup.check_topic(topic)
  if fn ~= nil and type(fn) ~= "function" then error("handle: a function expected", 2) end
  self.peer_list:handle(topic, fn)
end

---Asks a peer and waits for the answer.
---@param peer filo.Peer|string  a peer or its node ID
---@param topic string
---@param body any  nil, boolean, number, string, or a table of these
---@param seconds? number  deadline, 30 by default
---@return any, filo.Error?
function Node:request(peer, topic, body, seconds)
  check_open(self)
  setup.check_topic(topic)
  setup.check_seconds("request", seconds)
  setup.check_body(self.host, "request", body)
  local is_peer = self.peer_list:is_peer(peer)
  if not is_peer and type(peer) ~= "string" then error("request: a peer, or a node ID, expected", 2) end
  local connected = self.peer_list:get(is_peer and peer.id or peer:lower()) or is_peer and peer
  if not connected then return errors.fail("unreachable", ("node %s is not connected"):format(peer), { peer = peer }) end
  return connected:request(topic, body, seconds)
end

---Asks all connected peers at once. Gives a table from node ID to {answer = any, error = err or nil}.
---@param topic string
---@param body any
---@param seconds? number
---@return table<string, {answer: any, error: filo.Error?}>
function Node:broadcast(topic, body, seconds)
  check_open(self)
  setup.check_topic(topic)
  setup.check_seconds("broadcast", seconds)
  setup.check_body(self.host, "broadcast", body)
  local results, tasks = {}, {}
  for i, peer in ipairs(self.peer_list:list()) do
    tasks[i] = self.host.spawn_child(function()
      local answer, err = peer:request(topic, body, seconds)
      results[peer.id] = { answer = answer, error = err }
    end)
  end
  for _, each in ipairs(tasks) do each:join() end
  return results
end

---Calls fn when something happens; hooks named before_... may return false and a reason to refuse it. Returns a function that
---removes the hook. Names: before_store, stored, copied, before_accept, accepted, before_delete, deleted, peer_up, peer_down, corrupt.
---@param name string
---@param fn function
---@param priority? number  higher is called earlier; 0 by default
---@return function
function Node:on(name, fn, priority)
  check_open(self)
  if type(fn) ~= "function" then error("on: a function expected", 2) end
  if priority ~= nil and type(priority) ~= "number" then error("on: a priority must be a number", 2) end
  local remove = self.hooks:add(name, fn, priority) -- no tail call: an error there is at the line of our caller
  return remove
end

---Takes other options while it runs, in place of those that it was made with: `about`, `admit`, `bootstrap`, `cluster`, `encrypt`,
---`peers` and `policy`. Connections that are there stay. All or nothing: when an option is wrong, that is an error and nothing changes.
---@param options table  as for `filo.node`, all of them
---@return string[]  the names of those that differ and wait for a restart
function Node:configure(options)
  check_open(self)
  local checked = setup.check_node_options(self.host, options, 3)
  local later
  self.options, later = configuring.merge(self.options, checked)
  self.policy = self.options.policy
  self.peer_list:use_admission(setup.admission(self.options))
  self.peer_list.bootstrap:set(self.options.bootstrap)
  return later
end

---Waits until every bootstrap address was tried once, whether it could be reached or not. A script that stores something as soon
---as it starts calls this first, so that there are peers to hold copies.
---@param seconds? number  at most that long; 10 by default
---@return integer  peers that are connected
function Node:ready(seconds)
  check_open(self)
  setup.check_seconds("ready", seconds)
  self.peer_list.bootstrap:wait_tried(seconds or 10)
  return self.peer_list:count()
end

---Waits until the node is closed: the last line of a script that only serves.
function Node:wait()
  self.ended:wait()
end

---Waits by wait(seconds), and for the rest of that time when the task is cancelled meanwhile. Gives the cancellation.
---@return filo.Error?
local function wait_in_full(self, seconds, wait)
  local deadline, cancelled = self.host.now() + seconds, nil
  while true do
    local ok, err = pcall(wait, math.max(0, deadline - self.host.now()))
    if ok or not errors.is_cancelled(err) then return cancelled end
    cancelled = err
  end
end

---Ends all connections and tasks, and gives the root free. Idempotent; also done by `local node <close>`. Takes no longer than the
---limits allow, whatever a task does; is not left half-way when the task that calls it is cancelled or cannot wait. When another task
---closes it already, waits for that.
function Node:close()
  if self.closed then
    local ok, err = pcall(self.wait, self)
    if not ok and errors.is_cancelled(err) then error(err, 0) end
    return
  end
  self.closed = true
  if self.listener then self.listener:close() end
  self.peer_list:close()
  self.tasks:close()
  local limits = self.host.limits
  local cancelled = wait_in_full(self, limits.close_tasks, function(seconds) self.tasks:wait_ended(seconds) end)
  self.landings:close()
  self.handed_out:close()
  cancelled = wait_in_full(self, limits.close_disk, function(seconds) self.disk:wait_idle(seconds) end) or cancelled
  self.disk:close() -- only then the root is free
  if self.tls then self.tls:close() end
  self.ended:open()
  if cancelled then error(cancelled, 0) end
end

Node.__close = Node.close

function Node:__tostring() return ("node %s at %s"):format(self.id:sub(1, 16), self.address or "no address") end

-- Making ----------------------------------------------------------------------------------------------------------------

---What should be where: one answer for all who ask.
---@param info table  the object: key, key_hash, namespace, version, size
---@param holders? filo.Holder[]  the copies that are known of; the one here when left out
---@return filo.Plan?, filo.Error?
function Node:plan(info, holders)
  local plan, problem = placement.make {
    policy = self.policy, object = info, members = self.peer_list:list(), unreached = self.peer_list:unreached(), me = self.id,
    holders = holders or { { node = self.id, version = info.version } },
  }
  if plan then return plan end
  self.peer_list.report("error", "", "place", problem)
  return errors.fail("invalid", problem .. " (the object is stored here)")
end

---Makes a node from options (see lua/README.md) and starts it. A failure of the world gives nil, err.
---@param host filo.Host
---@param given table
---@return filo.Node?, filo.Error?
return function(host, given)
  local options = setup.check_node_options(host, given, 3)
  local parts, err = setup.open(host, options)
  if not parts then return nil, err end
  local self = setmetatable(parts, Node)
  self.options, self.policy, self.closed = options, options.policy, false
  make(self)
  if self.listener then self.peer_list:listen(self.listener) end
  self.peer_list.bootstrap:set(options.bootstrap)
  host.opened(self)
  return self
end
