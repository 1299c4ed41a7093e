---Filo's public face: `local filo = require "filo"`.

local core_files = require "filo.core.files"
local crypto = require "filo.core.crypto"
local errors = require "filo.base.errors"
local file = require "filo.host.file"
local host = require "filo.host.real"
local http = require "filo.http"
local net = require "filo.core.net"
local new_condition = require "filo.host.condition"
local new_node = require "filo.node"
local policy = require "filo.placement.policy"
local program = require "filo.host.program"
local runtime = require "filo.core.runtime"
local task = require "filo.host.task"

---What `require "filo"` gives.
---@class filo
---@field VERSION string
---@field program string  the path of this program
---@field policy table  policies: everywhere, copies(n), zones {...} ...
---@field crypto table  digests, ciphers, identities
---@field http table  a server of HTTP
local filo = {
  VERSION = "0.1",
  spawn = task.spawn,
  sleep = task.sleep,
  timeout = task.timeout,
  all = task.all,
  race = task.race,
  channel = task.channel,
  condition = new_condition,
  every = task.every,
  now = runtime.now,
  on_signal = runtime.on_signal,
  memory = runtime.memory,
  program = runtime.program(),
  file = file.new,
  start = program.start,
  run = program.run,
  policy = policy.shipped(),
  crypto = crypto,
  http = http,
}

---An error of a script's own, to be returned after nil.
---@param code string
---@param message string  a sentence
---@param fields? table  more fields
---@return filo.Error
function filo.error(code, message, fields)
  if type(code) ~= "string" or type(message) ~= "string" then error("error: a code and a message expected, both strings", 2) end
  return errors.new(code, message, fields)
end

---What `filo.node` is given. lua/README.md says more.
---@class filo.NodeOptions
---@field root string  folder of the node, made when absent. One process owns it at a time
---@field identity? string  file with the node's keys, made on the first start; root/identity by default. Losing it loses the data
---@field create? boolean  makes the root anew though the identity outside of it is there: else that looks like a disk not mounted
---@field convert? boolean  moves the objects of a root that was made with another option `path`
---@field readonly? boolean  only looks at the root, beside the process that owns it
---@field listen? string  "host:port"; ":3000" for every address, port 0 lets the system choose
---@field bootstrap? table  addresses to stay connected to: "host:port", or { address = "host:port", id = "node ID" }
---@field cluster? string  a secret of 8 bytes or more: who proves that it knows it is let in
---@field peers? string[]  node IDs that are let in
---@field operators? string[]  namespaces whose owners decide here who is no member any more, beside those that this node writes
---@field admit? fun(peer: table): boolean?, string?  lets in with true, refuses with false and a reason, leaves it to the others with nil
---@field about? table  what peers are told of this node, for their policies
---@field policy? filo.Policy  where copies go, and what is accepted; a copy at every peer by default
---@field encrypt? boolean  true by default; false: content is stored as it is, signed and hashed
---@field tls? boolean  true by default; false: for trusted networks only
---@field bulk? "sealed"  at both ends: sealed content goes to peers over a second connection, without TLS; none by default
---@field durability? "full"|"group"|"none"  flushed to disk one by one (the default), many in one flush, or left to the system
---@field quota? table  how much is kept for others: { total =, owner =, member =, owners = {}, members = {} }, in bytes or as "100 GB"
---@field rates? table|function  content in a second: { up = "1 MB", down = "1 MB" }, or fun(now: table): table?, asked each minute
---@field reserve? integer  bytes of free disk space that are never used; 64 MiB by default
---@field scrub? {every?: number}|false  seconds in which each copy here is hashed again, 30 days by default; false: never by itself
---@field trash? {hours?: number, deletes?: boolean}|false  for how long what is dropped here, and what is deleted, can be brought back
---@field path? table|function  where an object lies in the root: {digest = "sha1", width = 2, depth = 1}, or a function from the key hash
---@field hash_key? function  from a key to what stands for it at peers; the default hides names
---@field log? fun(level: string, message: string)  levels "error", "warning", "info"; stderr by default

---Makes and starts a node.
---@param options filo.NodeOptions
---@return filo.Node?, filo.Error?
function filo.node(options) return new_node(host, options) end

---The open nodes of this process, in the order in which they were made.
---@return filo.Node[]
function filo.nodes() return host.nodes() end

---Opens a raw byte connection, for scripts that speak some other protocol.
---address: "host:port", or "unix:path" for a Unix socket; seconds: to connect, 10 by default.
---@type fun(address: string, seconds?: number): filo.core.Raw?, filo.Error?
filo.dial = net.dial_raw

---Listens for raw byte connections; `listener:accept()` gives the next one.
---address: "host:port"; port 0 lets the system choose; or "unix:path", which only the same user may connect to.
---@type fun(address: string): filo.core.Listener?, filo.Error?
filo.listen = net.listen_raw

---@param path any
---@return boolean
local function is_path(path) return type(path) == "string" and path ~= "" and not path:find "\0" end

---What lies at a path.
---@param path string
---@param follow? boolean  where a symbolic link leads, and not the link
---@return filo.FileEntry?, filo.Error?
function filo.look(path, follow)
  if not is_path(path) then error("look: a path expected", 2) end
  return core_files.look(path, follow)
end

---What is in a folder, sorted by name, without "." and "..": of each what `filo.look` gives of it, and its name. Symbolic links are not
---followed, but for the path itself. What cannot be looked at (a stale network disk, a folder without the permission x) is there with its
---name, path and `problem` only. What goes meanwhile is left out.
---@param path string
---@return filo.FolderEntry[]?, filo.Error?
function filo.folder(path)
  if not is_path(path) then error("folder: a path expected", 2) end
  return core_files.list(path, true)
end

return filo
