---What a node is made of: each part, and what it needs of the others.

local new_activities = require "filo.copies.activity"
local new_catalogue = require "filo.copies.catalogue"
local new_conflicts = require "filo.node.conflicts"
local new_deleting = require "filo.node.deleting"
local new_fetches = require "filo.replication.shared_fetches"
local new_find = require "filo.replication.find"
local new_follow = require "filo.replication.follow"
local new_gate = require "filo.host.gate"
local new_generation = require "filo.replication.generation"
local new_getting = require "filo.node.getting"
local new_handed_out = require "filo.node.handed_out"
local new_holding = require "filo.node.holding"
local new_holders = require "filo.replication.holders"
local new_hooks = require "filo.host.hooks"
local new_inventory = require "filo.replication.inventory"
local new_landings = require "filo.copies.landings"
local new_listing = require "filo.node.listing"
local new_names = require("filo.copies.keys").new
local new_peers = require "filo.peers"
local new_planning = require "filo.node.planning"
local new_prove = require "filo.replication.prove"
local new_refusals = require "filo.replication.refusals"
local new_removal = require "filo.copies.removal"
local new_rotating = require "filo.node.rotating"
local new_serve = require "filo.replication.serve"
local new_set_aside = require "filo.copies.set_aside"
local new_spread = require "filo.replication.spread"
local new_storing = require "filo.node.storing"
local new_survey = require "filo.replication.survey"
local new_sweep = require "filo.copies.sweep"
local new_tasks = require "filo.host.tasks"
local new_tombstones = require "filo.replication.tombstones"
local face = require("filo.node.namespace").face
local new_verifier = require "filo.copies.verify"
local setup = require "filo.node.setup"
local versions = require "filo.copies.versions"

---Copies on this disk.
local function make_copies(node)
  local host, disk = node.host, node.disk
  node.set_aside = new_set_aside { host = host, disk = disk, hooks = node.hooks }
  node.verifier = new_verifier { host = host, disk = disk, tasks = node.tasks, set_aside = node.set_aside }
  node.removal = new_removal { disk = disk, names = node.names }
  node.landings = new_landings { host = host, disk = disk }
  node.activities = new_activities()
  new_sweep { host = host, disk = disk, tasks = node.tasks }
end

---Whether other nodes may write a namespace, too: one that this node was given, and its own since it was given away.
local function has_other_writers(node, name) return name ~= "own" or node.host.keyring.has_writers(node.root) end

---What is made for each namespace: the names in it.
---@param space table  what it is made in
---@param name string
---@param keys filo.Keys
local function make_names(node, space, name, keys)
  local host, options = node.host, node.options
  space.keys, space.namespace = keys, keys:raw_id()
  space.versions = versions.new { host = host, id = node.raw_id }
  space.generation = new_generation {
    host = host, root = node.root, peers = node.peer_list, tasks = node.tasks, namespace = space.namespace,
    writes = keys:access() == "write", noted = node.noted_generations[space.namespace],
    shared = function() return has_other_writers(node, name) end,
  }
  space.names = new_names {
    host = host, disk = node.disk, keys = keys, namespace = space.namespace, versions = space.versions, id = node.raw_id,
    hash_key = options.hash_key, path = options.path, generation = space.generation,
  }
  if space ~= node then
    space.catalogue = node.catalogue:of(space.names, space.namespace)
    return
  end
  local all = {}
  for i, each in ipairs(node.spaces.list) do all[i] = each.keys end
  node.catalogue = new_catalogue {
    host = host, disk = node.disk, keys = all, names = node.names, namespace = node.namespace,
    hand_out = function(each) return node.handed_out:add(each) end,
  }
end

---Its copies at peers, and from them.
local function make_replication(node, space)
  local host, disk, peers, tasks, hooks, namespace = node.host, node.disk, node.peer_list, node.tasks, node.hooks, space.namespace
  space.find = new_find {
    host = host, peers = peers, hooks = hooks, tasks = tasks, holders = node.holders, namespace = namespace, generation = space.generation,
  }
  space.survey = new_survey {
    host = host, disk = disk, peers = peers, find = space.find, refusals = node.refusals, id = node.id, namespace = namespace,
  }
  space.prove = new_prove { host = host, peers = peers, hooks = hooks, activity = node.activities, namespace = namespace }
  space.inventory = new_inventory { host = host, peers = peers, holders = node.holders, namespace = namespace }
  space.fetches = new_fetches {
    host = host, disk = disk, find = space.find, peers = peers, tasks = tasks, activity = node.activities, namespace = namespace,
  }
  space.spread = new_spread {
    host = host, disk = disk, peers = peers, tasks = tasks, hooks = hooks, refusals = node.refusals, activity = node.activities,
    holders = node.holders, id = node.id, namespace = namespace, plan = node.plan,
  }
  space.tombstones = new_tombstones {
    host = host, disk = disk, peers = peers, tasks = tasks, holders = node.holders, names = space.names, catalogue = space.catalogue,
    id = node.id, namespace = namespace,
  }
end

---The namespaces of what is kept here and cannot be read.
---@return string[]  64 hex digits each
local function others_of(node)
  local list = {}
  for _, usage in ipairs(node.catalogue:usage()) do
    if usage.objects > 0 and not node.spaces:name_of(usage.namespace) then list[#list + 1] = node.host.crypto.hex(usage.namespace) end
  end
  return list
end

---What scripts call of it.
local function make_calls(node, space, name)
  local host, disk, names, hooks, namespace = node.host, node.disk, space.names, node.hooks, space.namespace

  ---The newest record of an object that peers have, where another node may have written it.
  local function elsewhere(wanted)
    space.generation:settle()
    local found = has_other_writers(node, name) and space.find:newest(wanted, nil, nil, true)
    return found and found.record or nil
  end

  space.conflicts = new_conflicts {
    host = host, disk = disk, names = names, hooks = hooks, versions = space.versions, namespace = namespace,
    pass_on = function(tombstone) space.tombstones:pass_on(tombstone) end,
  }
  space.storing = new_storing {
    host = host, disk = disk, keys = space.keys, names = names, peers = node.peer_list, spread = space.spread,
    survey = space.survey, hooks = hooks, activity = node.activities, namespace = namespace,
    encrypts = function() return node.options.encrypt end, tasks = node.tasks, elsewhere = elsewhere, conflicts = space.conflicts,
  }
  space.conflicts.storing = space.storing
  space.getting = new_getting {
    host = host, disk = disk, names = names, peers = node.peer_list, find = space.find, fetches = space.fetches,
    tombstones = space.tombstones, set_aside = node.set_aside, tasks = node.tasks, namespace = namespace, handed_out = node.handed_out,
    catalogue = space.catalogue, conflicts = space.conflicts,
    others = function() return name == node.spaces.list[1].name and others_of(node) or {} end,
  }
  space.deleting = new_deleting {
    host = host, disk = disk, keys = space.keys, names = names, getting = space.getting, fetches = space.fetches,
    tombstones = space.tombstones, find = space.find, survey = space.survey, prove = space.prove, verifier = node.verifier, hooks = hooks,
    holders = node.holders, catalogue = space.catalogue, id = node.id, namespace = namespace, readonly = node.options.readonly,
    elsewhere = elsewhere,
  }
  space.rotating = new_rotating {
    host = host, disk = disk, names = names, catalogue = space.catalogue, generation = space.generation, tasks = node.tasks,
    peers = node.peer_list, find = space.find, storing = space.storing, spread = space.spread, tombstones = space.tombstones,
    verifier = node.verifier, keys = space.keys, namespace = namespace, readonly = node.options.readonly,
  }
  space.listing = new_listing {
    host = host, names = names, catalogue = space.catalogue, namespace = namespace, root = node.root,
    inventory = space.inventory, writes = function(raw_id) return node.spaces:writes(raw_id) end,
  }
end

---What lies at peers of a namespace is listed, too, from now on.
local function list_space(node, space)
  local at = #node.listed + 1
  for i, each in ipairs(node.listed) do
    if each.namespace == space.namespace then at = i end
  end
  node.listed[at] = space
end

---@param space table  what it is made in: the node, of its main namespace, or a table of its own, for which all else is the node's
local function make_space(node, space, name, keys)
  if space ~= node then make_names(node, space, name, keys) end
  make_replication(node, space)
  make_calls(node, space, name)
  local behind = setmetatable({ id = keys:id(), name = name, access = keys:access() }, { __index = space })
  node.faces[name] = face(behind)
  if behind.access ~= "read-one" then list_space(node, space) end
  if behind.access ~= "write" then return end
  node.written[name] = space
  space.rotating:start()
end

---Those of a namespace that the node writes.
---@return filo.Conflicts?
local function conflicts_of(node, raw_id)
  for _, space in pairs(node.written) do
    if space.namespace == raw_id then return space.conflicts end
  end
  return nil
end

---@class filo.node.Parts
---@field spaces filo.Spaces
---@field faces table<string, filo.Namespace>  by name
---@field written table<string, table>  parts of the namespaces that the node writes, by name
---@field listed table[]  parts of those of which it lists what lies at peers, too
---@param node filo.node.Parts  with host, disk, identity, id, raw_id, spaces, root, address, tls, options, policy
return function(node)
  local host, disk = node.host, node.disk
  node.ended = new_gate(host)
  node.tasks = new_tasks(host, "the node was closed")
  node.hooks = new_hooks(host)
  node.peer_list = new_peers(host, setup.peer_settings(node, node.options))
  node.plan = new_planning(node)
  node.handed_out, node.faces, node.written, node.listed = new_handed_out(), {}, {}, {}
  make_names(node, node, node.spaces.list[1].name, node.spaces.list[1].keys)
  make_copies(node)
  node.refusals = new_refusals()
  node.holders = new_holders { host = host, disk = disk }
  for i, each in ipairs(node.spaces.list) do
    make_space(node, i == 1 and node or setmetatable({}, { __index = node }), each.name, each.keys)
  end
  node.follow = new_follow { host = host, peers = node.peer_list, tasks = node.tasks, spaces = function() return node.listed end }
  node.serve = new_serve {
    host = host, disk = disk, peers = node.peer_list, tasks = node.tasks, hooks = node.hooks, names = node.names, landings = node.landings,
    catalogue = node.catalogue, verifier = node.verifier, set_aside = node.set_aside, removal = node.removal,
    policy = function() return node.policy end,
    conflicts = function(raw_id) return conflicts_of(node, raw_id) end,
  }
  node.holding = new_holding {
    host = host, disk = disk, names = node.names, spread = node.spread, verifier = node.verifier, set_aside = node.set_aside,
    removal = node.removal, writes = function(raw_id) return node.spaces:writes(raw_id) end,
  }
  node.serve:start()

  ---A namespace that was accepted. The one that the node's own calls are about stays as it was until the next start.
  function node.add_space(name, keys)
    if name == node.spaces.list[1].name then return end
    node.spaces:put { name = name, keys = keys }
    node.catalogue:add_keys(keys)
    make_space(node, setmetatable({}, { __index = node }), name, keys)
    if keys:access() == "write" then node.peer_list:claim(keys) end
    node.follow:visit_all()
  end
end
