---What may be asked of a running node through its socket.
---
---Each call gets the node, its arguments, emit(event), which tells the asker of what happens meanwhile, the file that was passed along,
---and the asker; it gives what goes back (no functions in it), or nil and an error.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local filo = require "filo"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local kept = require "filo.command.kept"
local policy_file = require "filo.sim.policy_file"
local prompt = require "filo.command.control.prompt"
local unchanged = require "filo.command.control.unchanged"

local methods = {}

local PROGRESS_SECONDS = 0.1
local SPACE_SECONDS, STORED_SECONDS, FLOW_SECONDS = 0.2, 1, 0.1
local started = filo.now()

---Tells emit every now and then how far the node is with a key, until the end of the scope.
local function report_progress(node, key, emit)
  local task = filo.spawn(function()
    while true do
      filo.sleep(PROGRESS_SECONDS)
      local moving = {}
      for _, each in ipairs(inside.of(node).activities:list()) do
        if each.key == key then moving[#moving + 1] = each end
      end
      emit { moving = moving }
    end
  end):observe()
  return at_end(function() task:cancel() end)
end

local function describe_peer(face)
  local peer = inside.of(face)
  local traffic = peer.connection:stats()
  return {
    id = peer.id, address = peer.address, listen = peer.listen, about = peer.about, free = peer.free, rtt = peer.rtt,
    bytes_in = traffic.bytes_in, bytes_out = traffic.bytes_out,
  }
end

---What a token is made of.
function methods.invitation(node)
  local options = inside.of(node).options
  return { id = node.id, listen = node.address, cluster = options.cluster, operators = options.operators }
end

function methods.peers(node)
  local list = {}
  for i, peer in ipairs(node:peers()) do list[i] = describe_peer(peer) end
  return list
end

---All members, and peers that are none.
function methods.members(node)
  local list, known = {}, {}
  for i, face in ipairs(node:members()) do
    local member = inside.members(face)
    local peer = inside.of(node).peer_list:get(member.id)
    member.address, known[member.id] = peer and peer.address or member.addresses[1], true
    list[i] = member
  end
  for _, face in ipairs(node:peers()) do
    if not known[face.id] then
      local peer = describe_peer(face)
      list[#list + 1] = {
        id = peer.id, state = "guest", connected = true, address = peer.address, about = peer.about, free = peer.free, rtt = peer.rtt,
        addresses = { peer.listen },
      }
    end
  end
  return list
end

---@return table?, filo.Error?
function methods.forget(node, asked)
  local member, err = node:forget(asked.name, { undo = asked.undo })
  if not member then return nil, err end
  return { id = member.id, name = member.name }
end

---@return table?, filo.Error?
function methods.drain(node, asked)
  local member, err = node:drain(asked.name, { undo = asked.undo })
  if not member then return nil, err end
  return { id = member.id, name = member.name, left = member.left }
end

---The policy in the text of a file, or one that a line makes of those that come with Filo; nil: the node's.
---@return filo.Policy?, filo.Error?
local function asked_policy(asked)
  if asked.source then return policy_file.of_source(asked.path, asked.source) end
  if asked.text then return policy_file.of_text(asked.text) end
end

---What would move.
---@return filo.MovePlan?, filo.Error?
function methods.plan(node, asked)
  local policy, err = asked_policy(asked)
  if err then return nil, err end
  return node:plan(policy)
end

---What becomes of a plan; how far it is, where nothing is to change.
---@return filo.Applied?, filo.Error?
function methods.apply(node, asked)
  if asked.what then return node:apply(asked.what) end
  local of = node:applied()
  if of then return of end
  return errors.fail("not_found", "no plan was applied: 'filo plan' shows one")
end

---What is kept here, when that is known at once.
local function stored_here(node)
  local catalogue = inside.of(node).catalogue
  local state, seen = catalogue:state()
  local stored = state == "ready" and filo.timeout(STORED_SECONDS, node.usage, node)
  local over = stored and filo.timeout(STORED_SECONDS, function() return kept.over(kept.list(node)) end)
  return stored or {}, { state = state, seen = seen }, stored ~= false and stored ~= nil, over or {}
end

---Rotations of namespaces that are not over, as far as that is known at once.
local function rotations(node)
  local list = {}
  for _, each in ipairs(node:namespaces()) do
    local status = each.access == "write" and filo.timeout(STORED_SECONDS, each.rotation, each)
    if status and (status.left > 0 or status.peers > 0 or status.problem) then
      status.namespace = each.name
      list[#list + 1] = status
    end
  end
  return list
end

---How many there are, and how many of them are connected.
local function count_members(node)
  local counts = { all = 0, connected = 0 }
  for _, member in ipairs(node:members()) do
    counts.all = counts.all + 1
    if member.connected then counts.connected = counts.connected + 1 end
  end
  return counts
end

---What is kept for others, and who has brought it.
function methods.usage(node) return kept.list(node) end

local WANTED_SHOWN = 5

---Copies that are bad here, and of which no other was to be had yet.
local function wanted(parts)
  local count, list = parts.healing:status(WANTED_SHOWN)
  return { count = count, list = list }
end

---Bytes that have gone to and come from each peer, over all its connections.
local function moved(node)
  local of = {}
  for _, peer in ipairs(inside.of(node).peer_list:list()) do
    local up, down = 0, 0
    for _, connection in ipairs { peer.connection, peer.line } do
      local stats = connection:stats()
      up, down = up + stats.bytes_out, down + stats.bytes_in
    end
    of[peer] = { up = up, down = down }
  end
  return of
end

---Bytes a second that flow now, and to how many the node keeps.
local function flow(node)
  local before, since = moved(node), filo.now()
  filo.sleep(FLOW_SECONDS)
  local flows, seconds, keeps = { up = 0, down = 0 }, filo.now() - since, inside.of(node).rates.now
  for peer, now in pairs(moved(node)) do
    local first = before[peer] or { up = 0, down = 0 }
    for way in pairs(flows) do flows[way] = flows[way] + math.floor((now[way] - first[way]) / seconds) end
  end
  return { up = flows.up, down = flows.down, most_up = keeps.up, most_down = keeps.down }
end

---What the policy is called that counts for the objects of a node or namespace.
local function policy_of(parts) return (parts.wishes:of(parts.namespace) or parts.policy).name end

---How copies are looked after.
local function looking_after(node)
  local repair = inside.of(node).repair
  return { report = repair.report, held = repair.held, next = repair.due:next_in() }
end

function methods.repair(node, asked) return node:repair { prefix = asked.prefix, dry_run = asked.dry_run } end

function methods.status(node)
  local parts = inside.of(node)
  local free, total = filo.timeout(SPACE_SECONDS, parts.disk.space, parts.disk) -- it waits its turn behind what is being flushed
  if not free then total = nil end
  local bad, bad_bytes = filo.timeout(SPACE_SECONDS, parts.disk.bad, parts.disk)
  local old, old_bytes = filo.timeout(SPACE_SECONDS, parts.trash.usage, parts.trash)
  local stored, catalogue, counted, over = stored_here(node)
  return {
    stored = stored, catalogue = catalogue, counted = counted, over_quota = over,
    id = node.id, namespace = node:namespace().id, root = node.root, address = node.address, version = filo.VERSION,
    uptime = filo.now() - started, memory = filo.memory(), free = free, total = total, bad = bad and { count = bad, bytes = bad_bytes },
    trash = old and { objects = old, bytes = old_bytes, hours = parts.options.trash and parts.options.trash.hours or 0 },
    rotations = rotations(node), policy = policy_of(parts), peers = #node:peers(), members = count_members(node),
    unreached = parts.peer_list:unreached(), scrub = parts.scrub:status(), wanted = wanted(parts),
    moving = node:activity(), rates = flow(node), copies = looking_after(node), applied = node:applied(),
  }
end

---The file that came along; or nothing, for what is `empty` but for its fields. `dry`: says what would be done.
function methods.store(node, asked, emit, file)
  local _ <close> = report_progress(node, asked.key, emit)
  if not file and not asked.empty then return errors.fail("invalid", "no file came along") end
  local stored, err = unchanged(node, asked, file)
  if stored or err then return stored, err end
  if asked.dry then return { key = asked.key } end
  local content = file and filo.file(asked.name or asked.key, file) or ""
  return node:store(asked.key, content, { fields = asked.fields, class = asked.class, encrypt = asked.encrypt })
end

---With a file, to that.
function methods.fetch(node, asked, emit, file)
  local _ <close> = report_progress(node, asked.key, emit)
  return node:fetch(asked.key, { newest = asked.newest, version = asked.version, to = file or nil })
end

function methods.stat(node, asked) return node:stat(asked.key) end

function methods.versions(node, asked) return node:versions(asked.key) end

function methods.delete(node, asked) return node:delete(asked.key) end

function methods.undelete(node, asked) return node:undelete(asked.key) end

function methods.empty_trash(node)
  local before, before_bytes = inside.of(node).trash:usage()
  local ok, err = node:empty_trash()
  if not ok then return nil, err end
  local left, left_bytes = inside.of(node).trash:usage()
  return { objects = before - left, bytes = before_bytes - left_bytes }
end

function methods.verify(node, asked) return node:verify(asked.key) end

---Has all that lies here verified, and tells how far that is.
function methods.scrub(node, _, emit)
  local scrub = inside.of(node).scrub
  local task = filo.spawn(function()
    while true do
      filo.sleep(PROGRESS_SECONDS)
      emit { round = scrub:status().round }
    end
  end):observe()
  local _ <close> = at_end(function() task:cancel() end)
  return node:scrub()
end

local LOST = "'%s' is bad here, and no other copy was to be had: %s; it is tried again in %s"

---What is known of a copy that is bad here and wanted from others.
---@return filo.WantedCopy?
local function wanted_of(node, key)
  local parts, hash = inside.of(node), node:key_hash(key)
  local found = hash and parts.healing:of(parts.namespace, hash)
  return found and parts.healing:describe(found)
end

---Every copy, and how many the policy wants by now.
function methods.copies(node, asked)
  local item, err = node:stat(asked.key)
  local bad = wanted_of(node, asked.key)
  if not item and bad and err.code == "not_found" then
    return errors.fail("corrupt", LOST:format(asked.key, bad.problem, format.clock(bad.next)), { key = asked.key })
  end
  if not item then return nil, err end
  local plan, copies = node:placement(asked.key)
  if not plan then return nil, copies end
  return {
    item = item, quorum = plan.quorum, unreached = plan.unreached, away = plan.away, lacking = plan.lacking,
    policy = policy_of(inside.of(node)), copies = copies, wanted = bad,
  }
end

function methods.evict(node, asked, emit)
  local _ <close> = report_progress(node, asked.key, emit)
  return node:evict(asked.key)
end

---The only other owner of what is kept here whose namespace starts so.
---@return filo.Usage?, filo.Error?
local function find_owner(node, text)
  local found
  for _, usage in ipairs(node:usage()) do
    if usage.owner ~= node:namespace().id and usage.owner:sub(1, #text) == text:lower() then
      if found then return errors.fail("invalid", ("several owners of what is kept here begin with %s"):format(text)) end
      found = usage
    end
  end
  if found then return found end
  return errors.fail("not_found", ("nothing is kept here for %s"):format(text))
end

---Drops what is kept for another owner, but for deletions. Without `force` it says what that would be.
function methods.drop_owner(node, asked)
  local usage, err = find_owner(node, asked.owner)
  if not usage then return nil, err end
  if not asked.force then
    local sentence = "%s, %s, are kept here for %s, and each may be the last copy: -f drops them"
    return errors.fail("invalid", sentence:format(format.count(usage.objects, "object", "objects"), format.bytes(usage.bytes), usage.owner))
  end
  local done = { owner = usage.owner, objects = 0, bytes = 0 }
  for copy in node:held(usage.owner) do
    local ok, problem
    if not copy.tombstone then ok, problem = node:drop(copy) end
    if ok then
      done.objects, done.bytes = done.objects + 1, done.bytes + copy.size
    elseif problem and problem.code ~= "not_found" then
      done.failed, done.problem = (done.failed or 0) + 1, done.problem or tostring(problem)
    end
  end
  inside.of(node).kept:drop(filo.crypto.unhex(usage.owner))
  return done
end

---The only other owner of what lies in the trash whose namespace starts so.
---@return string?, filo.Error?
local function find_owner_in_trash(node, text)
  local found
  for copy in node:trash() do
    if not copy.key and copy.owner ~= found and copy.owner:sub(1, #text) == text:lower() then
      if found then return errors.fail("invalid", ("several owners of what is in the trash begin with %s"):format(text)) end
      found = copy.owner
    end
  end
  if found then return found end
  return errors.fail("not_found", ("nothing that was kept for %s is in the trash"):format(text))
end

---Brings back what was kept for another owner, of each object the newest.
function methods.undelete_owner(node, asked)
  local owner, err = find_owner_in_trash(node, asked.owner)
  if not owner then return nil, err end
  local done = { owner = owner, objects = 0, bytes = 0 }
  for copy in node:trash() do
    local ok, problem
    if copy.owner == owner then ok, problem = node:undelete(copy) end
    if ok then
      done.objects, done.bytes = done.objects + 1, done.bytes + copy.size
    elseif problem and problem.code ~= "not_found" and problem.code ~= "exists" then
      done.failed, done.problem = (done.failed or 0) + 1, done.problem or tostring(problem)
    end
  end
  return done
end

---Tells how far it is, as long as it waits for that.
function methods.rotate(node, asked, emit)
  local task = filo.spawn(function()
    while true do
      filo.sleep(PROGRESS_SECONDS)
      emit(node:rotation())
    end
  end):observe()
  local _ <close> = at_end(function() task:cancel() end)
  return node:rotate { wait = asked.wait }
end

function methods.forget_reader(node, asked) return node:forget_reader(asked.reader, { wait = false }) end

---Calls about objects: of the namespace that is asked for by its name, else of the node's.
for _, name in ipairs {
  "store", "fetch", "stat", "versions", "delete", "undelete", "verify", "copies", "evict", "rotate", "forget_reader",
} do
  local method = methods[name]
  methods[name] = function(node, asked, ...)
    local objects, err = node, nil
    if asked.of then objects, err = node:namespace(asked.of) end
    if not objects then return nil, err end
    return method(objects, asked, ...)
  end
end

function methods.accept(node, asked)
  local namespace, err = node:accept(asked.line, asked.name)
  if not namespace then return nil, err end
  return { id = namespace.id, name = namespace.name, access = namespace.access }
end

function methods.connect(node, asked)
  local peer, err = node:connect(asked.address)
  if not peer then return nil, err end
  return describe_peer(peer)
end

local function service_of(node, asker)
  if asker.service then return asker.service end
  return errors.fail("unsupported", ("the node on %s is run by a script, not by 'filo serve': ask that script"):format(node.root))
end

---A link to the page of the node, which works once.
---@return {url: string}?, filo.Error?
function methods.open(node, _, _, _, asker)
  local service, err = service_of(node, asker)
  if not service then return nil, err end
  local url, problem = service.serving:page()
  if not url then return nil, problem end
  return { url = url }
end

---The options in node.lua that wait for a restart.
function methods.reload(node, _, _, _, asker)
  local service, err = service_of(node, asker)
  if not service then return nil, err end
  return service:ask_reload()
end

---The answer is that the connection ends, when the process does.
function methods.stop(node, _, _, _, asker)
  local service, err = service_of(node, asker)
  if not service then return nil, err end
  asker.waits_for_end = true
  service:ask_stop "filo stop"
  filo.sleep(math.huge)
end

methods.evaluate, methods.run, methods.complete = prompt.evaluate, prompt.run, prompt.complete

return methods
