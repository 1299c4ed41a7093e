---Making a node: its options, its identity, its root.

local bytes = require "filo.base.bytes"
local errors = require "filo.base.errors"
local facts = require "filo.placement.facts"
local keys = require "filo.copies.keys"
local path_layout = require "filo.copies.path_layout"
local new_disk = require "filo.copies.closable_store"
local open_spaces = require "filo.node.spaces"
local options = require "filo.base.options"
local rates = require "filo.host.rates"
local policy = require "filo.placement.policy"
local protocol = require "filo.peers.protocol"
local pure = require "filo.placement.pure"
local target = require "filo.peers.target"

local setup = {}

local function check_ids(list)
  for _, id in ipairs(list) do
    if not target.is_id(id) then return ("must list node IDs of 64 hex digits, not '%s'"):format(tostring(id)) end
  end
end

---The targets in a list of bootstrap addresses; raises what is wrong with one.
local function read_bootstrap(host, list)
  local targets = {}
  for i, given in ipairs(list) do
    local read, problem = target.read(given)
    if not read then error("option 'bootstrap': " .. problem, 0) end
    local valid, err = host.net.address(read.address)
    if not valid then error(("option 'bootstrap': %s"):format(tostring(err)), 0) end
    targets[i] = read
  end
  return targets
end

---What peers are told fits into a first message.
local ABOUT_MOST = 2048

---What needs the world's functions to be checked.
local function check_sendable(host, given)
  local ok, encoded = pcall(host.encode, given.about)
  if not ok then return ("option 'about' cannot be sent to peers: %s"):format(tostring(encoded)) end
  if #encoded > ABOUT_MOST then
    return ("option 'about' must have at most %d bytes when it is encoded, not %d"):format(ABOUT_MOST, #encoded)
  end
  given.about = host.decode(encoded) -- a copy
  local problem = facts.problem(given.about)
  return problem and ("option 'about': %s"):format(problem) or nil
end

local function check_cluster(secret)
  if #secret < 8 then return "must have at least 8 bytes: it keeps strangers out" end
end

local DIGESTS = { md5 = true, sha1 = true, sha256 = true, blake3 = true }
local function check_digest(name) return not DIGESTS[name] and "must be md5, sha1, sha256 or blake3" or nil end
local function check_count(n) return n < 0 and "must be 0 or more" or nil end

local PATH_RULES = {
  digest = { type = "string", default = "sha1", check = check_digest },
  width = { type = "integer", default = 2, check = check_count },
  depth = { type = "integer", default = 1, check = check_count },
}

---Path options together.
local function check_path(host, path)
  local called, made, err = pcall(host.store.cas_path, path.digest, path.width, path.depth, ("\0"):rep(32))
  if not (called and made) then return "option 'path': " .. tostring(called and err or made) end
end

local KINDS = { "total", "owner", "member" }

local QUOTA_RULES = { owners = { type = "table", default = {} }, members = { type = "table", default = {} } }
for _, kind in ipairs(KINDS) do QUOTA_RULES[kind] = { type = "integer|number|string" } end

---What is bounded for single ones, by their raw IDs.
local function read_exceptions(host, name, given)
  local list = {}
  for id, most in pairs(given) do
    if not target.is_id(id) then return nil, ("quota: '%s' must be by IDs of 64 hex digits, not '%s'"):format(name, tostring(id)) end
    local entry = { [id] = most }
    local problem = bytes.read_each(entry, { id })
    if problem then return nil, ("quota: '%s': %s"):format(name, problem) end
    list[host.crypto.unhex(id:lower())] = entry[id]
  end
  return list
end

---The option, as copies/quotas.lua takes it; or nil and what is wrong with it.
---@return filo.Quota?, string? problem
local function read_quota(host, given)
  local problem = bytes.read_each(given, KINDS)
  if problem then return nil, "quota: " .. problem end
  given.owners, problem = read_exceptions(host, "owners", given.owners)
  if given.owners then given.members, problem = read_exceptions(host, "members", given.members) end
  return not problem and given or nil, problem
end

local DURABILITIES = { full = true, group = true, none = true }

local DAY = 86400

local SCRUB_RULES = {
  every = { type = "number", default = 30 * DAY, check = function(n)
    return (n ~= n or n <= 0) and "must be seconds, more than 0" or nil
  end },
}

local function check_scrub(given) return given == true and "must be false, or a table, as { every = 30 * 86400 }" or nil end

local function check_hours(n) return (n ~= n or n <= 0) and "must be hours, more than 0" or nil end

local TRASH_RULES = { hours = { type = "number", default = 24, check = check_hours }, deletes = { type = "boolean", default = false } }

local function check_trash(given) return given == true and "must be false, or a table, as { hours = 24, deletes = true }" or nil end

---at_once: node:configure takes it over while the node runs.
setup.NODE_RULES = {
  root = { type = "string", required = true, check = function(path) return path == "" and "must name a folder" or nil end },
  identity = { type = "string" },
  create = { type = "boolean", default = false },
  convert = { type = "boolean", default = false },
  readonly = { type = "boolean", default = false },
  listen = { type = "string" },
  bootstrap = { type = "table", default = {}, at_once = true },
  cluster = { type = "string", check = check_cluster, at_once = true },
  peers = { type = "table", default = {}, check = check_ids, at_once = true },
  operators = { type = "table", default = {}, check = check_ids, at_once = true },
  admit = { type = "function", at_once = true },
  about = { type = "table", default = {}, at_once = true },
  policy = { type = "table", at_once = true },
  encrypt = { type = "boolean", default = true, at_once = true },
  tls = { type = "boolean", default = true },
  bulk = { type = "string", check = function(how) return how ~= "sealed" and "must be sealed, or left out" or nil end },
  path = { type = "table|function", default = {} },
  hash_key = { type = "function" },
  quota = { type = "table", at_once = true },
  rates = { type = "table|function", at_once = true },
  reserve = { type = "integer", default = 64 << 20, check = function(n) return n < 0 and "must be bytes, 0 or more" or nil end },
  durability = { type = "string", default = "full", check = function(name)
    return not DURABILITIES[name] and "must be full, group or none" or nil
  end },
  scrub = { type = "table|boolean", default = {}, at_once = true, check = check_scrub },
  trash = { type = "table|boolean", default = {}, at_once = true, check = check_trash },
  log = { type = "function" },
}

local function check_class(n) return (n < 0 or n > 255) and "must be 0 to 255" or nil end

local CLASS = { type = "integer", check = check_class }

local ETAG = { type = "string", check = function(text)
  return not keys.is_etag(text) and "must have 1 to 64 visible ASCII characters, none of them a quotation mark" or nil
end }

local STORE_RULES = {
  fields = { type = "table" }, etag = ETAG, class = CLASS, encrypt = { type = "boolean" }, to = { type = "string|table" },
  describe = { type = "function" },
  expected = { type = "integer|boolean", check = function(version) return version == true and "must be a version, or false" or nil end },
}

local DESCRIBED_RULES = { fields = { type = "table" }, etag = ETAG }

local AMEND_RULES = { fields = { type = "table" }, class = CLASS, expected = { type = "integer" } }

local DELETE_RULES = { expected = { type = "integer" } }

local SHARE_RULES = { write = { type = "boolean" }, reader = { type = "string" } }

local ROTATE_RULES = { wait = { type = "boolean", default = true } }

local DECISION_RULES = { undo = { type = "boolean" } }

local REPAIR_RULES = { prefix = { type = "string" }, dry_run = { type = "boolean" } }

local REPLICATE_RULES = { to = { type = "string|table" } }

---@return table
function setup.check_store_options(given) return options.check("store", given, STORE_RULES, 2) end

---The option `describe`, so that what it gives is checked as the options are. It is called by no line of the script's that an error could
---name.
---@param describe? fun(): table?, any
---@return (fun(): table?, any)?
function setup.checked_describe(host, describe)
  return describe and function()
    local said, err = describe()
    if not said then return nil, err end
    local ok, checked = pcall(options.check, "store: what describe gives", said, DESCRIBED_RULES, 1)
    if not ok then error(checked, 0) end
    local encoded, problem = pcall(host.encode, checked.fields)
    if not encoded then error("store: what describe gives: option 'fields': " .. tostring(problem), 0) end
    return checked
  end
end

---@return table
function setup.check_amend_options(given)
  local checked = options.check("amend", given, AMEND_RULES, 2)
  if not checked.fields and not checked.class then error("amend: say what changes: option 'fields' or 'class'", 3) end
  return checked
end

---@return table
function setup.check_delete_options(given) return options.check("delete", given, DELETE_RULES, 2) end

---@return table
function setup.check_share_options(given) return options.check("share", given, SHARE_RULES, 2) end

---@return table
function setup.check_rotate_options(what, given) return options.check(what, given, ROTATE_RULES, 2) end

---@return table
function setup.check_decision_options(name, given) return options.check(name, given, DECISION_RULES, 2) end

---@return table
function setup.check_repair_options(given) return options.check("repair", given, REPAIR_RULES, 2) end

---@return table
function setup.check_replicate_options(given) return options.check("replicate", given, REPLICATE_RULES, 2) end

---A policy that a node is asked about, completed.
---@param given? filo.Policy
---@return table?
function setup.check_policy(host, given)
  if given == nil then return nil end
  if type(given) ~= "table" then error("plan: a policy expected, or nothing", 3) end
  local ok, complete = pcall(policy.complete, host.pinned, given)
  if not ok then error("plan: " .. complete, 3) end
  return complete
end

local APPLY_RULES = { pause = { type = "boolean" }, continue = { type = "boolean" }, revert = { type = "boolean" } }

---What is to become of what is under way; nil: a plan is to be applied.
---@return "pause"|"continue"|"revert"|nil
function setup.check_apply(what)
  if type(what) == "string" then return nil end
  local given = options.check("apply", what, APPLY_RULES, 2)
  local asked = {}
  for _, name in ipairs { "pause", "continue", "revert" } do asked[#asked + 1] = given[name] and name or nil end
  if #asked ~= 1 then error("apply: the ID of a plan expected, or one of the options pause, continue and revert", 3) end
  return asked[1]
end

local function check_quorum(n) return n < 1 and "must be 1 or more" or nil end

local GET_RULES = {
  newest = { type = "boolean" }, from = { type = "string|table" }, quorum = { type = "integer", check = check_quorum },
  version = { type = "integer" },
}

local FETCH_RULES = { to = { type = "userdata" } }
for name, rule in pairs(GET_RULES) do FETCH_RULES[name] = rule end

local function check_reach(what, given, rules)
  if given == nil then return {} end -- none has a default
  local checked = options.check(what, given, rules, 3)
  if checked.from and (checked.newest or checked.quorum) then
    error(what .. ": option 'from' goes without 'newest' and 'quorum': it asks one peer only", 3)
  end
  if checked.version and (checked.newest or checked.quorum or checked.from) then
    error(what .. ": option 'version' goes without 'newest', 'quorum' and 'from': it is that one, wherever it is kept", 3)
  end
  if rules == FETCH_RULES and checked.version and not checked.to then
    error("fetch: option 'version' goes with 'to': an old version is not made a copy again", 3)
  end
  return checked
end

---@return table
function setup.check_fetch_options(given) return check_reach("fetch", given, FETCH_RULES) end

---@return table
function setup.check_get_options(given) return check_reach("get", given, GET_RULES) end

local function check_bulk(given)
  if given.bulk and not given.tls then return "option 'bulk' goes without 'tls = false': all of it goes unencrypted then" end
end

local function check_readonly(given)
  if given.readonly and (given.listen or #given.bootstrap > 0) then
    return "option 'readonly' goes without 'listen' and 'bootstrap': the node that owns the root has the peers"
  end
end

---Misuse of `filo.node` is an error at its caller's line.
---@return table
function setup.check_node_options(host, given, level)
  local checked = options.check("filo.node", given, setup.NODE_RULES, level)
  local ok, complete = pcall(policy.complete, host.pinned, checked.policy)
  if not ok then error("filo.node: " .. complete, level) end
  complete.chosen, checked.policy = checked.policy ~= nil, complete
  checked.admit = checked.admit and pure.judge(host.pinned, checked.admit)
  ok, checked.bootstrap = pcall(read_bootstrap, host, checked.bootstrap)
  if not ok then error("filo.node: " .. checked.bootstrap, level) end
  local problem = check_readonly(checked) or check_bulk(checked) or check_sendable(host, checked)
  if problem then error("filo.node: " .. problem, level) end
  if checked.rates then
    local given_rates = checked.rates
    checked.rates = type(given_rates) == "function" and pure.wrap(host.pinned, given_rates) or given_rates
    local _, wrong = rates.evaluate(host, checked.rates)
    if wrong then error("filo.node: option 'rates': " .. wrong, level) end
  end
  if checked.quota then
    checked.quota, problem = read_quota(host, options.check("filo.node: quota", checked.quota, QUOTA_RULES, level))
    if problem then error("filo.node: " .. problem, level) end
  end
  checked.scrub = checked.scrub and options.check("filo.node: scrub", checked.scrub, SCRUB_RULES, level)
  checked.trash = checked.trash and options.check("filo.node: trash", checked.trash, TRASH_RULES, level)
  if type(checked.path) == "table" then
    checked.path = options.check("filo.node: path", checked.path, PATH_RULES, level)
    problem = check_path(host, checked.path)
    if problem then error("filo.node: " .. problem, level) end
  end
  return checked
end

---A topic that a script may use.
function setup.check_topic(topic)
  if type(topic) ~= "string" or #topic == 0 or #topic > 64 then error("a topic must be a string of 1 to 64 bytes", 3) end
  if protocol.is_own(topic) then error(("the topic '%s' is Filo's own: choose another"):format(topic), 3) end
end

---A copy that is held for another, as `node:held` gives it. Misuse is an error at the line of the caller's caller.
function setup.check_copy(what, copy)
  local fits = type(copy) == "table" and target.is_id(copy.owner) and type(copy.key_hash) == "string" and #copy.key_hash == 32
    and math.type(copy.version) == "integer"
  if not fits then error(what .. ": a copy expected, as node:held gives them", 3) end
end

---The key of an object, or a copy in the trash, as `node:trash` gives it.
function setup.check_trashed(what, given)
  if type(given) == "string" then return end
  local fits = type(given) == "table" and target.is_id(given.owner) and type(given.key_hash) == "string" and #given.key_hash == 32
    and math.type(given.version) == "integer"
  if not fits then error(what .. ": a key expected, or a copy as node:trash gives them", 3) end
end

---The node ID of an owner, or none.
function setup.check_owner(what, owner)
  if owner ~= nil and not target.is_id(owner) then error(what .. ": a node ID expected, 64 hex digits", 3) end
end

---Where a script wants to connect to. Misuse is an error at the line of the caller's caller.
---@return {address: string, id?: string}
function setup.check_target(what, given)
  local read, problem = target.read(given)
  if not read then error(("%s: %s"):format(what, problem), 3) end
  return read
end

---Seconds that a script gave for a deadline, or none. Misuse is an error at the line of the caller's caller.
function setup.check_seconds(what, seconds)
  if seconds ~= nil and not (type(seconds) == "number" and seconds >= 0) then
    error(what .. ": seconds expected, a number of 0 or more", 3)
  end
end

---The body of a request.
function setup.check_body(host, what, body)
  local ok, err = pcall(host.encode, body)
  if not ok then error(("%s: the body cannot be sent: %s"):format(what, tostring(err)), 3) end
end

---Root and identity are made together, so that one without the other is a disk that is not mounted or a file that was lost, and not a
---new node. An identity within its root is never alone.
local function check_pair(state, given, file, identity)
  if given.readonly and (state ~= "made" or not identity) then
    return errors.fail("not_found", ("there is no node at %s"):format(given.root))
  end
  if state == "made" and not identity then
    return errors.fail("denied", ("%s is the root of a node whose identity %s is not there: restore that file from a copy"):format(
      given.root, file))
  end
  if state == "empty" and identity and not given.create then
    return errors.fail("denied", ("the identity %s is there, but its root %s is empty: mount the disk that the root is on; "
      .. "or, to start with nothing there, give the option create = true"):format(file, given.root))
  end
  return true
end

local function make_identity(host, root, file)
  local ok, err = host.store.prepare(root)
  if not ok then return nil, err end
  local identity
  identity, err = host.identities.generate()
  if not identity then return nil, err end
  ok, err = identity:save(file)
  if not ok then return nil, err end
  host.log("warning", ("a new node, %s: keep a copy of %s, without which nothing that it stores can be read"):format(identity:id(), file))
  return identity
end

---The identity in its file, made on the first start together with the root.
local function open_identity(host, given)
  local file = given.identity or given.root .. "/identity"
  local state, err = host.store.look(given.root)
  if not state then return nil, err end
  local identity
  identity, err = host.identities.load(file)
  if not identity and err.code ~= "not_found" then return nil, err end
  local ok
  ok, err = check_pair(state, given, file, identity)
  if not ok then return nil, err end
  if identity then return identity end
  return make_identity(host, given.root, file)
end

local function open_listener(host, address)
  if not address then return nil end
  local listener, err = host.net.listen(address)
  if not listener then return nil, errors.wrap(err, "cannot listen at " .. address) end
  return listener
end

---A host that logs with a script's function; when that fails, the line goes where it goes without one.
local function with_log(host, log)
  local function guarded(level, message)
    if not pcall(host.pinned, log, level, message) then host.log(level, message) end
  end
  return setmetatable({ log = guarded }, { __index = host })
end

---Opens identity, root and listener. All or nothing.
---@return table?, filo.Error?
function setup.open(host, given)
  if given.log then host = with_log(host, given.log) end
  local identity, err = open_identity(host, given)
  if not identity then return nil, err end
  local spaces
  spaces, err = open_spaces(host, identity, given.root)
  if not spaces then return nil, err end
  local noted
  noted, err = host.generations.load(given.root)
  if not noted then return nil, err end
  local disk
  disk, err = host.store.open(given.root, identity:raw_id(), given.durability, given.reserve, given.readonly)
  if not disk then return nil, err end
  local called, ok, problem = pcall(path_layout.check, host, disk, given)
  local roster, applied, listener
  if called and ok and not given.readonly then roster, problem = host.roster.load(given.root) end
  if called and ok and not problem and not given.readonly then applied, problem = host.applied.load(given.root) end
  if called and ok and not problem then listener, problem = open_listener(host, given.listen) end
  if not called or problem then
    disk:close()
    if not called then error(ok, 0) end
    return nil, problem
  end
  return {
    host = host, identity = identity, disk = new_disk(disk), listener = listener, root = given.root,
    id = identity:id(), raw_id = identity:raw_id(), spaces = spaces, noted_generations = noted, roster = roster,
    applied = applied,
    address = listener and listener:address(), tls = given.tls and assert(host.net.tls(identity)) or nil,
  }
end

return setup
