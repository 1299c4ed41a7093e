---What the connections of a node need to know of it: who is let in, what peers are told, and whom to tell what they say.

local sorted_keys = require "filo.base.sorted_keys"

local peer_settings = {}

---Who is let in, and what peers are told: the part of what peers.lua needs that may change while a node runs.
function peer_settings.admission(given)
  local allowed = {}
  for _, id in ipairs(given.peers) do allowed[id:lower()] = true end
  return { cluster = given.cluster, allowed = allowed, admit = given.admit, about = given.about }
end

---What others may write is not written here without asking them.
local function note_writers(parts)
  local ok, err = parts.host.keyring.note_writers(parts.root)
  if not ok then parts.host.log("error", "it cannot be noted that another node writes this node's namespace: " .. tostring(err)) end
end

---The namespaces that decide who is a member, by their raw IDs.
local function operators(host, list)
  local set = {}
  for _, id in ipairs(list) do set[host.crypto.unhex(id)] = true end
  return set
end

---Bytes that the file system of a root has, as far as it tells.
---@return integer?
local function capacity_of(disk)
  local free, total = disk:space()
  return free and total > 0 and total or nil
end

---Copies are looked after in so many seconds.
local function look_after(parts, seconds)
  if parts.repair then parts.repair.due:all_in(seconds) end
end

---What peers need to know of a node.
---@param parts table  host, disk, identity, id, raw_id, spaces, tls, address, hooks, tasks
---@param given filo.NodeOptions
function peer_settings.of(parts, given)
  local host = parts.host
  if not given.tls then host.log("warning", "tls = false: peers are not encrypted in transit; use it on trusted networks only") end
  return {
    identity = parts.identity, id = parts.id, raw_id = parts.raw_id, keys = parts.spaces:writers(), tls = parts.tls,
    root = parts.root, roster = parts.roster, capacity = capacity_of(parts.disk),
    obeys = function(raw_id) return parts.spaces:writes(raw_id) or operators(host, parts.options.operators)[raw_id] == true end,
    writes = function(raw_id) return parts.spaces:writes(raw_id) end,
    wished = function()
      if parts.wishes and not parts.options.readonly then parts.wishes:tell() end
      look_after(parts, host.limits.repair_settle)
      if parts.kept and not parts.options.readonly then parts.kept:obey_soon() end
    end,
    turned = function() look_after(parts, host.limits.repair_settle) end,
    came = function(away)
      if parts.repair then parts.repair.due:came(away) end
    end,
    went = function(id, away)
      if parts.repair then parts.repair.due:went(id, away) end
    end,
    bulk = given.bulk == "sealed", admission = peer_settings.admission(given), instance = host.random(16), listen_address = parts.address,
    hooks = parts.hooks, tasks = parts.tasks, rates = parts.rates,
    free = function() return parts.disk:space() or 0 end,
    left = function() return parts.repair and parts.repair:left() end,
    claimed = function(namespaces)
      for raw_id in pairs(namespaces) do
        if parts.spaces:is_own(raw_id) then note_writers(parts) end
      end
      for _, name in ipairs(sorted_keys(parts.written)) do
        local space = parts.written[name]
        space.generation:learn(namespaces[space.namespace] or 0)
      end
    end,
    generation_of = function(raw_id)
      for _, name in ipairs(sorted_keys(parts.written)) do
        local space = parts.written[name]
        if space.namespace == raw_id then return space.generation.number end
      end
      return 0
    end,
    met = function(peer)
      parts.candidates:meet(peer)
      for _, name in ipairs(sorted_keys(parts.written)) do
        parts.written[name].generation:meet(peer)
        parts.written[name].tombstones:meet(peer)
        parts.written[name].rotating:meet(peer)
      end
      parts.follow:visit(peer)
      parts.in_step:visit(peer)
      parts.healing:meet()
    end,
  }
end

return peer_settings
