---What a node is made of: each part, and what it needs of the others.

local bring = require "filo.replication.bring"
local have = require "filo.replication.have"
local new_activities = require "filo.copies.activity"
local new_beliefs = require "filo.replication.beliefs"
local new_candidates = require "filo.node.candidates"
local new_catalogue = require "filo.copies.catalogue"
local new_conflicts = require "filo.node.conflicts"
local new_deleting = require "filo.node.deleting"
local new_expecting = require "filo.node.expecting"
local new_fetches = require "filo.replication.shared_fetches"
local new_find = require "filo.replication.find"
local new_follow = require "filo.replication.follow"
local new_gate = require "filo.host.gate"
local new_generation = require "filo.replication.generation"
local new_getting = require "filo.node.getting"
local new_handed_out = require "filo.node.handed_out"
local new_holding = require "filo.node.holding"
local new_holders = require "filo.replication.holders"
local new_healing = require "filo.replication.healing"
local new_hooks = require "filo.host.hooks"
local new_in_step = require "filo.replication.in_step"
local new_inventory = require "filo.replication.inventory"
local new_kept_versions = require "filo.copies.kept_versions"
local new_landings = require "filo.copies.landings"
local new_listing = require "filo.node.listing"
local new_applying = require "filo.replication.applying"
local new_moves = require "filo.replication.moves"
local new_names = require("filo.copies.keys").new
local new_packing = require "filo.copies.packing"
local new_peers = require "filo.peers"
local new_planning = require "filo.node.planning"
local new_quotas = require("filo.copies.quotas").new
local old_versions = require "filo.replication.old_versions"
local new_prove = require "filo.replication.prove"
local new_rates = require("filo.host.rates").new
local new_repair = require "filo.replication.repair"
local new_refusals = require "filo.replication.refusals"
local new_removal = require "filo.copies.removal"
local new_rotating = require "filo.node.rotating"
local new_scrub = require "filo.copies.scrub"
local new_serve = require "filo.replication.serve"
local new_set_aside = require "filo.copies.set_aside"
local new_spread = require "filo.replication.spread"
local new_storing = require "filo.node.storing"
local new_survey = require "filo.replication.survey"
local new_sweep = require "filo.copies.sweep"
local new_tasks = require "filo.host.tasks"
local new_timings = require "filo.node.timings"
local new_trash = require "filo.copies.trash"
local new_tombstones = require "filo.replication.tombstones"
local new_turns = require "filo.replication.turns"
local new_undeleting = require "filo.node.undeleting"
local new_vouching = require "filo.replication.vouching"
local new_wishes = require "filo.node.wishes"
local face = require("filo.node.namespace").face
local new_verifier = require "filo.copies.verify"
local sealed_version = require "filo.replication.sealed_version"
local peer_settings = require "filo.node.peer_settings"
local versions = require "filo.copies.versions"

---Copies on this disk.
local function make_copies(node)
  local host, disk = node.host, node.disk
  node.kept = new_kept_versions {
    host = host, disk = disk, tasks = node.tasks,
    policy_of = function(raw_id) return node.wishes:of(raw_id) end,
    namespaces = function() return node.wishes:namespaces() end,
  }
  node.quotas = new_quotas {
    host = host, disk = disk, catalogue = node.catalogue, kept = node.kept, hooks = node.hooks,
    quota = function() return node.options.quota end,
    writes = function(raw_id) return node.spaces:writes(raw_id) end,
  }
  node.set_aside = new_set_aside {
    host = host, disk = disk, hooks = node.hooks, catalogue = node.catalogue, quotas = node.quotas,
    wanted = function(copy)
      if copy then node.healing:add(copy) else node.healing:look() end
    end,
  }
  node.verifier = new_verifier { host = host, disk = disk, tasks = node.tasks, set_aside = node.set_aside }
  node.vouching = new_vouching(host)
  node.trash = new_trash {
    host = host, disk = disk, tasks = node.tasks, option = function() return node.options.trash end,
    written = function()
      local list = {}
      for i, keys in ipairs(node.spaces:writers()) do list[i] = keys:raw_id() end
      return list
    end,
  }
  node.removal = new_removal { disk = disk, names = node.names, quotas = node.quotas, trash = node.trash }
  node.landings = new_landings { host = host, disk = disk }
  node.activities = new_activities()
  new_sweep { host = host, disk = disk, tasks = node.tasks, trash = node.trash }
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
    likely = function(...) return node.plan:likely(...) end,
  }
  space.survey = new_survey {
    host = host, disk = disk, peers = peers, find = space.find, refusals = node.refusals, id = node.id, namespace = namespace,
  }
  space.prove = new_prove {
    host = host, peers = peers, hooks = hooks, activity = node.activities, verifier = node.verifier, namespace = namespace,
  }
  space.inventory = new_inventory { host = host, peers = peers, holders = node.holders, namespace = namespace }
  space.fetches = new_fetches {
    host = host, disk = disk, find = space.find, peers = peers, tasks = tasks, activity = node.activities, namespace = namespace,
  }
  space.spread = new_spread {
    host = host, disk = disk, peers = peers, tasks = tasks, hooks = hooks, refusals = node.refusals, activity = node.activities,
    rates = node.rates, holders = node.holders, beliefs = node.beliefs, id = node.id, namespace = namespace, plan = node.plan,
    wait_for_any = function(ids, seconds) return node.candidates:wait_for_any(ids, seconds) end,
    anybody = function() return node.candidates:any() end,
    missed = function(key_hash) node.repair:note_missed(namespace, key_hash) end,
    suspect = function(...) node.verifier:suspect(...) end,
  }
  space.tombstones = new_tombstones {
    host = host, disk = disk, peers = peers, tasks = tasks, holders = node.holders, names = space.names, catalogue = space.catalogue,
    beliefs = node.beliefs, in_step = node.in_step, id = node.id, namespace = namespace,
  }
end

---Of what is held for others nothing is learned.
local NOBODY = { note = function() end, learn = function() end }

---What finds and fetches objects of a namespace, of whoever it is.
local function reach_of(node, namespace)
  if node.by_namespace[namespace] then return node.by_namespace[namespace] end
  local find = new_find {
    host = node.host, peers = node.peer_list, hooks = node.hooks, tasks = node.tasks, holders = NOBODY, namespace = namespace,
    generation = NOBODY, likely = function(...) return node.plan:likely(...) end,
  }
  return { find = find, fetches = new_fetches {
    host = node.host, disk = node.disk, find = find, peers = node.peer_list, tasks = node.tasks, activity = node.activities,
    namespace = namespace,
  } }
end

---What has copies of a namespace proved, of whoever it is.
local function prove_of(node, namespace)
  local space = node.by_namespace[namespace]
  return space and space.prove or new_prove {
    host = node.host, peers = node.peer_list, hooks = node.hooks, activity = node.activities, verifier = node.verifier,
    namespace = namespace,
  }
end

---Reading all that lies here again, and healing what is bad.
---Has the newest version that peers have of an object, where it is no older than this one, come to lie here.
---@return true?, filo.Error?
local function bring_newest(node, namespace, key_hash, least)
  local path, err = node.names:path(key_hash)
  if not path then return nil, err end
  local space, name = reach_of(node, namespace), { hash = key_hash, path = path, key = node.host.crypto.hex(key_hash):sub(1, 16) }
  local found, problem = bring.find(space, name, least)
  if not found then return nil, problem end
  return bring.take(node.disk, space, found, name)
end

local function make_scrub(node)
  node.healing = new_healing {
    host = node.host, disk = node.disk, names = node.names, verifier = node.verifier, tasks = node.tasks,
    space_of = function(namespace) return reach_of(node, namespace) end,
  }
  node.scrub = new_scrub {
    host = node.host, disk = node.disk, catalogue = node.catalogue, verifier = node.verifier, names = node.names, tasks = node.tasks,
    hooks = node.hooks, healing = node.healing, every = function() return node.options.scrub and node.options.scrub.every end,
  }
  if node.options.readonly then return end
  node.healing:start()
  node.scrub:start()
  node.packing = new_packing {
    host = node.host, disk = node.disk, catalogue = node.catalogue, names = node.names, tasks = node.tasks, namespace = node.namespace,
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

  space.expecting = new_expecting {
    names = names, find = space.find, catalogue = space.catalogue, own = node.spaces:is_own(namespace), id = space.keys:id(),
    settle = function() space.generation:settle() end, shared = function() return has_other_writers(node, name) end,
    has_read = function(id) return node.follow:has_read(id) end,
  }
  space.conflicts = new_conflicts {
    host = host, disk = disk, names = names, hooks = hooks, versions = space.versions, namespace = namespace,
    pass_on = function(tombstone) space.tombstones:pass_on(tombstone) end,
  }
  space.storing = new_storing {
    host = host, disk = disk, keys = space.keys, names = names, peers = node.peer_list, spread = space.spread,
    survey = space.survey, hooks = hooks, activity = node.activities, namespace = namespace,
    encrypts = function() return node.options.encrypt end, tasks = node.tasks, elsewhere = elsewhere, conflicts = space.conflicts,
    expecting = space.expecting,
  }
  space.conflicts.storing = space.storing
  node.timings:watch(space.storing, "store", "store")
  space.old = old_versions.new {
    host = host, disk = disk, peers = node.peer_list, names = names, kept = node.kept, namespace = namespace,
  }
  space.getting = new_getting {
    host = host, disk = disk, names = names, peers = node.peer_list, find = space.find, fetches = space.fetches,
    tombstones = space.tombstones, set_aside = node.set_aside, tasks = node.tasks, namespace = namespace, handed_out = node.handed_out,
    catalogue = space.catalogue, conflicts = space.conflicts, old = space.old,
    others = function() return name == node.spaces.list[1].name and others_of(node) or {} end,
  }
  space.deleting = new_deleting {
    host = host, disk = disk, keys = space.keys, names = names, getting = space.getting, fetches = space.fetches,
    tombstones = space.tombstones, find = space.find, survey = space.survey, prove = space.prove, verifier = node.verifier, hooks = hooks,
    holders = node.holders, catalogue = space.catalogue, vouching = node.vouching, trash = node.trash, id = node.id,
    namespace = namespace, readonly = node.options.readonly, elsewhere = elsewhere, expecting = space.expecting,
  }
  node.timings:watch(space.getting, "open", "get")
  node.timings:watch(space.deleting, "delete", "delete")
  space.undeleting = new_undeleting {
    host = host, disk = disk, names = names, find = space.find, storing = space.storing, trash = node.trash, namespace = namespace,
  }
  space.rotating = new_rotating {
    host = host, disk = disk, names = names, catalogue = space.catalogue, generation = space.generation, tasks = node.tasks,
    peers = node.peer_list, find = space.find, storing = space.storing, spread = space.spread, tombstones = space.tombstones,
    verifier = node.verifier, keys = space.keys, namespace = namespace, readonly = node.options.readonly,
  }
  space.listing = new_listing {
    host = host, disk = disk, names = names, catalogue = space.catalogue, namespace = namespace, root = node.root,
    inventory = space.inventory, quotas = node.quotas, writes = function(raw_id) return node.spaces:writes(raw_id) end,
    in_trash = function() return node.trash:each() end, kept = node.kept,
    names_of = function(raw_id) return node.by_namespace[raw_id] and node.by_namespace[raw_id].names end,
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
  node.by_namespace[space.namespace] = space
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
---@field by_namespace table<string, table>  parts of all namespaces that it has keys to
---@param node filo.node.Parts  with host, disk, identity, id, raw_id, spaces, root, address, tls, options, policy
return function(node)
  local host, disk = node.host, node.disk
  node.ended = new_gate(host)
  node.tasks = new_tasks(host, "the node was closed")
  node.hooks = new_hooks(host)
  node.timings = new_timings(host)
  node.rates = new_rates { host = host, tasks = node.tasks, tell = function()
    if node.peer_list then node.peer_list:tell_pace() end
  end }
  node.rates:use(node.options.rates)
  node.peer_list = new_peers(host, peer_settings.of(node, node.options))
  node.candidates = new_candidates {
    host = host, peers = node.peer_list, id = node.id, address = node.address, capacity = node.peer_list.settings.capacity,
    about = function() return node.options.about end,
  }
  node.wishes = new_wishes {
    host = host, raw_id = node.raw_id, policies = node.peer_list.members.roster.policies, keys = node.spaces.list[1].keys,
    report = node.peer_list.report, policy = function() return node.policy end,
    writes = function(raw_id) return node.spaces:writes(raw_id) end, writers = function() return node.spaces:writers() end,
  }
  node.plan = new_planning(node)
  node.handed_out, node.faces, node.written, node.listed = new_handed_out(), {}, {}, {}
  node.by_namespace = {}
  make_names(node, node, node.spaces.list[1].name, node.spaces.list[1].keys)
  node.turns, node.beliefs = new_turns(host), new_beliefs { host = host, tasks = node.tasks, catalogue = node.catalogue }
  node.in_step = new_in_step {
    host = host, peers = node.peer_list, tasks = node.tasks, catalogue = node.catalogue, beliefs = node.beliefs, turns = node.turns,
    id = node.id, missed = function(marks) node.repair:note_lost(marks) end,
  }
  make_copies(node)
  node.refusals = new_refusals()
  node.holders = new_holders {
    host = host, disk = disk, is_forgotten = function(id) return node.peer_list.members.roster:is_forgotten(id) end,
  }
  for i, each in ipairs(node.spaces.list) do
    make_space(node, i == 1 and node or setmetatable({}, { __index = node }), each.name, each.keys)
  end
  node.follow = new_follow { host = host, peers = node.peer_list, tasks = node.tasks, spaces = function() return node.listed end }
  make_scrub(node)
  node.serve = new_serve {
    host = host, disk = disk, peers = node.peer_list, tasks = node.tasks, hooks = node.hooks, names = node.names, landings = node.landings,
    catalogue = node.catalogue, verifier = node.verifier, set_aside = node.set_aside, removal = node.removal,
    healing = node.healing, kept = node.kept, policy = function() return node.policy end,
    member = function(peer) return node.candidates:of(peer) end,
    quotas = node.quotas, rates = node.rates, vouching = node.vouching,
    is_member = function(peer) return node.peer_list.members.roster:is_member(peer.id) end,
    conflicts = function(raw_id) return conflicts_of(node, raw_id) end, turns = node.turns,
    beliefs = node.beliefs,
  }
  have.serve {
    host = host, disk = disk, peers = node.peer_list, names = node.names, set_aside = node.set_aside, beliefs = node.beliefs,
  }
  old_versions.serve { host = host, disk = disk, peers = node.peer_list, kept = node.kept }
  node.repair = not node.options.readonly and new_repair {
    host = host, disk = disk, peers = node.peer_list, tasks = node.tasks, hooks = node.hooks, names = node.names,
    catalogue = node.catalogue, spread = node.spread, holders = node.holders, refusals = node.refusals, set_aside = node.set_aside,
    id = node.id, writes = function(raw_id) return node.spaces:writes(raw_id) end,
    members = function() return node.candidates:met() end, policy_of = function(raw_id) return node.wishes:of(raw_id) end,
    has_keys = function(raw_id) return node.by_namespace[raw_id] ~= nil end,
    view = function() return node.plan:view() end,
    is_draining = function() return node.candidates:here().state == "draining" end, removal = node.removal, vouching = node.vouching,
    prove_of = function(namespace) return prove_of(node, namespace) end, beliefs = node.beliefs, in_step = node.in_step,
    bring = function(...) return bring_newest(node, ...) end,
  } or nil
  node.moves = node.repair and new_moves {
    host = host, id = node.id, namespace = node.namespace, catalogue = node.catalogue, looking = node.repair.looking, rates = node.rates,
    view = function(policy) return node.plan:view(policy) end,
  }
  node.applying = node.moves and new_applying {
    host = host, root = node.root, loaded = node.applied, peers = node.peer_list, names = node.names, tasks = node.tasks,
    moves = node.moves,
    repair = node.repair, spread = node.spread, deleting = node.deleting,
    version_of = function(made)
      local path, err = node.names:path(made.key_hash)
      if not path then return nil, err end
      return sealed_version(node, node.namespace, path, made)
    end,
  }
  node.holding = new_holding {
    host = host, disk = disk, names = node.names, spread = node.spread, verifier = node.verifier, set_aside = node.set_aside,
    removal = node.removal, writes = function(raw_id) return node.spaces:writes(raw_id) end,
  }
  node.serve:start()
  if not node.options.readonly then
    node.in_step:start()
    node.wishes:tell()
    node.kept:obey()
    node.trash:obey()
  end

  ---A namespace that was accepted. The one that the node's own calls are about stays as it was until the next start.
  function node.add_space(name, keys)
    if name == node.spaces.list[1].name then return end
    node.spaces:put { name = name, keys = keys }
    node.catalogue:add_keys(keys)
    make_space(node, setmetatable({}, { __index = node }), name, keys)
    if keys:access() == "write" then node.peer_list:claim(keys) end
    node.kept:obey()
    node.trash:obey()
    node.follow:visit_all()
  end
end
