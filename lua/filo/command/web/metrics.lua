---What Prometheus is told of a node: names, units and meanings. What is not known right now is left out.

local filo = require "filo"
local inside = require "filo.base.inside"
local net = require "filo.core.net"
local sorted_keys = require "filo.base.sorted_keys"

---Seconds for what waits its turn behind a busy disk.
local PATIENCE = 0.5

---@param list filo.Metric[]
---@return filo.Metric
local function add(list, name, kind, help)
  local metric = { name = name, kind = kind, help = help, samples = {} }
  list[#list + 1] = metric
  return metric
end

local function put(metric, value, ...)
  if value ~= nil then metric.samples[#metric.samples + 1] = { labels = { ... }, value = value } end
end

local function one(list, name, kind, help, value, ...) put(add(list, name, kind, help), value, ...) end

-- The process ----------------------------------------------------------------------------------------------------------

local function descriptors()
  local count = 0
  for _ in ipairs(filo.folder "/proc/self/fd" or {}) do count = count + 1 end
  return count > 0 and count - 1 or nil -- one of them was that folder
end

local function most_descriptors()
  local file <close> = io.open "/proc/self/limits"
  return file and math.tointeger(tonumber(file:read("a"):match "Max open files%s+(%d+)")) or nil
end

local function add_process(list, started)
  one(list, "filo_build_info", "gauge", "The version that runs: always 1.", 1, { "version", filo.VERSION })
  one(list, "process_start_time_seconds", "gauge", "When the process started, in seconds since 1970.", started)
  one(list, "process_cpu_seconds_total", "counter", "Processor time of all threads.", os.clock())
  one(list, "process_resident_memory_bytes", "gauge", "Memory that the process holds.", (filo.memory()))
  one(list, "process_open_fds", "gauge", "Descriptors in use.", descriptors())
  one(list, "process_max_fds", "gauge", "Descriptors that the process may have.", most_descriptors())
end

-- What lies here -------------------------------------------------------------------------------------------------------

local function add_stored(list, node, parts)
  local objects = add(list, "filo_objects", "gauge", "Objects that lie here, its own and those that are kept for others.")
  local bytes = add(list, "filo_object_bytes", "gauge", "Their content.")
  local deletions = add(list, "filo_deletions", "gauge", "Deletions that are remembered.")
  local versions = add(list, "filo_old_versions", "gauge", "Old versions that are kept.")
  local version_bytes = add(list, "filo_old_version_bytes", "gauge", "Their content.")
  local ready = parts.catalogue:state() == "ready"
  local sums = { own = {}, others = {} }
  for _, usage in ipairs(ready and filo.timeout(PATIENCE, node.usage, node) or {}) do
    local sum = sums[usage.counted and "others" or "own"]
    for _, field in ipairs { "objects", "bytes", "deleted", "versions", "version_bytes" } do
      sum[field] = (sum[field] or 0) + (usage[field] or 0)
    end
  end
  for _, owner in ipairs(ready and { "own", "others" } or {}) do
    local sum, label = sums[owner], { "owner", owner }
    put(objects, sum.objects or 0, label)
    put(bytes, sum.bytes or 0, label)
    put(deletions, sum.deleted or 0, label)
    put(versions, sum.versions or 0, label)
    put(version_bytes, sum.version_bytes or 0, label)
  end
  one(list, "filo_catalogue_ready", "gauge", "Whether the catalogue can be asked.", ready and 1 or 0)
end

local function add_disk(list, parts)
  local free, total = filo.timeout(PATIENCE, parts.disk.space, parts.disk)
  local bad, bad_bytes = filo.timeout(PATIENCE, parts.disk.bad, parts.disk)
  local trash, trash_bytes = filo.timeout(PATIENCE, parts.trash.usage, parts.trash)
  one(list, "filo_disk_free_bytes", "gauge", "Room for objects, without the reserve.", free)
  one(list, "filo_disk_size_bytes", "gauge", "The file system that the root is on.", free and total)
  one(list, "filo_bad_copies", "gauge", "Copies that were found bad and set aside.", bad)
  one(list, "filo_bad_copy_bytes", "gauge", "Their files.", bad and bad_bytes)
  one(list, "filo_trash_objects", "gauge", "Copies that can be brought back.", trash)
  one(list, "filo_trash_bytes", "gauge", "Their content.", trash and trash_bytes)
end

-- How copies are ---------------------------------------------------------------------------------------------------------

local function add_copies(list, parts)
  local repair = parts.repair
  local report = repair and repair.report
  one(list, "filo_copies_missing", "gauge", "Objects that have fewer copies than they should, when they were looked at last.",
    report and report.short)
  one(list, "filo_copies_surplus", "gauge", "Copies here that are too many, and stay for now.", report and report.surplus)
  one(list, "filo_repair_looked_timestamp_seconds", "gauge", "When all objects were looked at last.", report and report.time)
  one(list, "filo_repair_held", "gauge", "Whether nothing is made anew, since many members are away at once.",
    repair and (repair.held and 1 or 0))
  one(list, "filo_copies_wanted", "gauge", "Copies that are bad here, and of which no other was to be had yet.",
    (parts.healing:status(0)))
  local last = parts.scrub:status().last
  one(list, "filo_scrub_ended_timestamp_seconds", "gauge", "When the last round of hashing all that lies here ended.",
    last and last.began + last.seconds)
  one(list, "filo_scrub_objects", "gauge", "Objects that it read.", last and last.objects)
  one(list, "filo_scrub_bad_copies", "gauge", "Copies that it found bad.", last and last.bad)
end

-- Members ----------------------------------------------------------------------------------------------------------------

local function add_members(list, node)
  local connected = add(list, "filo_member_connected", "gauge", "Whether a member is connected.")
  local since = add(list, "filo_member_since_seconds", "gauge", "For how long it has been connected, or has not.")
  local rtt = add(list, "filo_member_rtt_seconds", "gauge", "The last time that it took to answer a ping.")
  local free = add(list, "filo_member_free_bytes", "gauge", "Room that it has, as it has told last.")
  for _, member in ipairs(node:members()) do
    local name, id = { "member", member.name or "" }, { "id", member.id }
    put(connected, member.connected and 1 or 0, name, id)
    put(since, member.since, name, id)
    put(rtt, member.rtt, name, id)
    put(free, member.free, name, id)
  end
  local came, went = net.moved()
  local moved = add(list, "filo_bytes_total", "counter", "Bytes that have come from peers, and gone to them.")
  put(moved, came, { "direction", "in" })
  put(moved, went, { "direction", "out" })
end

-- How long it takes ------------------------------------------------------------------------------------------------------

local function add_timings(list, parts)
  local took = add(list, "filo_operation_duration_seconds", "histogram", "What was asked of the node, until it answered.")
  local failed = add(list, "filo_operation_failures_total", "counter", "What of that failed.")
  for _, operation in ipairs(sorted_keys(parts.timings.of)) do
    local timing = parts.timings.of[operation]
    put(took, timing.took, { "operation", operation })
    put(failed, timing.failed, { "operation", operation })
  end
end

---@param node filo.Node
---@param started integer  seconds since 1970
---@return filo.Metric[]
return function(node, started)
  local list, parts = {}, inside.of(node)
  add_process(list, started)
  add_stored(list, node, parts)
  add_disk(list, parts)
  add_copies(list, parts)
  add_members(list, node)
  add_timings(list, parts)
  return list
end
