---What a node is made of: each part, and what it needs of the others.

local new_activities = require "filo.copies.activity"
local new_catalogue = require "filo.copies.catalogue"
local new_deleting = require "filo.node.deleting"
local new_fetches = require "filo.replication.shared_fetches"
local new_find = require "filo.replication.find"
local new_gate = require "filo.host.gate"
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
  local host, disk, options = node.host, node.disk, node.options
  node.versions = versions.new { host = host, id = node.raw_id }
  node.names = new_names {
    host = host, disk = disk, keys = node.keys, namespace = node.namespace, versions = node.versions, id = node.raw_id,
    hash_key = options.hash_key, path = options.path,
  }
  node.handed_out = new_handed_out()
  node.catalogue = new_catalogue {
    host = host, disk = disk, keys = node.keys, names = node.names, namespace = node.namespace,
    hand_out = function(each) return node.handed_out:add(each) end,
  }
  node.set_aside = new_set_aside { host = host, disk = disk, hooks = node.hooks }
  node.verifier = new_verifier { host = host, disk = disk, tasks = node.tasks, set_aside = node.set_aside }
  node.removal = new_removal { disk = disk, names = node.names }
  node.landings = new_landings { host = host, disk = disk }
  node.activities = new_activities()
  new_sweep { host = host, disk = disk, tasks = node.tasks }
end

---Copies at peers, and from them.
local function make_replication(node)
  local host, disk, peers, tasks, hooks = node.host, node.disk, node.peer_list, node.tasks, node.hooks
  node.refusals = new_refusals()
  node.holders = new_holders { host = host, disk = disk }
  node.find = new_find { host = host, peers = peers, hooks = hooks, tasks = tasks, holders = node.holders, namespace = node.namespace }
  node.survey = new_survey {
    host = host, disk = disk, peers = peers, find = node.find, refusals = node.refusals, id = node.id, namespace = node.namespace,
  }
  node.prove = new_prove { host = host, peers = peers, hooks = hooks, activity = node.activities, namespace = node.namespace }
  node.inventory = new_inventory { host = host, peers = peers, holders = node.holders, namespace = node.namespace }
  node.fetches = new_fetches {
    host = host, disk = disk, find = node.find, peers = peers, tasks = tasks, activity = node.activities, namespace = node.namespace,
  }
  node.spread = new_spread {
    host = host, disk = disk, peers = peers, tasks = tasks, hooks = hooks, refusals = node.refusals, activity = node.activities,
    holders = node.holders, id = node.id, namespace = node.namespace, plan = node.plan,
  }
  node.tombstones = new_tombstones {
    host = host, disk = disk, peers = peers, tasks = tasks, holders = node.holders, names = node.names, catalogue = node.catalogue,
    id = node.id, namespace = node.namespace,
  }
  node.serve = new_serve {
    host = host, disk = disk, peers = peers, tasks = tasks, hooks = hooks, names = node.names, landings = node.landings,
    verifier = node.verifier, set_aside = node.set_aside, removal = node.removal, namespace = node.namespace,
    policy = function() return node.policy end,
  }
end

---What scripts call.
local function make_calls(node)
  local host, disk, names, hooks, namespace = node.host, node.disk, node.names, node.hooks, node.namespace
  local function hand_out(each) return node.handed_out:add(each) end
  node.storing = new_storing {
    host = host, disk = disk, keys = node.keys, names = names, peers = node.peer_list, spread = node.spread,
    survey = node.survey, hooks = hooks, activity = node.activities, namespace = namespace,
    encrypts = function() return node.options.encrypt end,
  }
  node.getting = new_getting {
    host = host, disk = disk, names = names, peers = node.peer_list, find = node.find, fetches = node.fetches,
    tombstones = node.tombstones, set_aside = node.set_aside, tasks = node.tasks, namespace = namespace, hand_out = hand_out,
  }
  node.deleting = new_deleting {
    host = host, disk = disk, keys = node.keys, names = names, getting = node.getting, fetches = node.fetches,
    tombstones = node.tombstones, find = node.find, survey = node.survey, prove = node.prove, verifier = node.verifier, hooks = hooks,
    holders = node.holders, id = node.id, namespace = namespace, readonly = node.options.readonly,
  }
  node.listing = new_listing {
    host = host, names = names, catalogue = node.catalogue, namespace = namespace, root = node.root, id = node.id,
    inventory = node.inventory,
  }
  node.holding = new_holding {
    host = host, disk = disk, names = names, spread = node.spread, verifier = node.verifier, set_aside = node.set_aside,
    removal = node.removal, namespace = namespace,
  }
end

---@class filo.node.Parts
---@param node filo.node.Parts  with host, disk, identity, id, raw_id, keys, namespace, root, address, tls, options, policy
return function(node)
  node.ended = new_gate(node.host)
  node.tasks = new_tasks(node.host, "the node was closed")
  node.hooks = new_hooks(node.host)
  node.peer_list = new_peers(node.host, setup.peer_settings(node, node.options))
  node.plan = new_planning(node)
  make_copies(node)
  make_replication(node)
  make_calls(node)
  node.own = face(setmetatable({ id = node.keys:id(), access = node.keys:access() }, { __index = node }))
  node.serve:start()
end
