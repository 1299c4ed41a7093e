---What may be asked of a running node through its socket.
---
---Each call gets the node, its arguments, emit(event), which tells the asker of what happens meanwhile, the file that was passed along,
---and the asker; it gives what goes back (no functions in it), or nil and an error.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local filo = require "filo"
local format = require "filo.base.format"
local inside = require "filo.base.inside"
local prompt = require "filo.command.control.prompt"
local source = require "filo.node.content"
local unchanged = require "filo.command.control.unchanged"

local methods = {}

local PROGRESS_SECONDS = 0.1
local SPACE_SECONDS, STORED_SECONDS = 0.03, 1
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
function methods.invitation(node) return { id = node.id, listen = node.address, cluster = inside.of(node).options.cluster } end

function methods.peers(node)
  local list = {}
  for i, peer in ipairs(node:peers()) do list[i] = describe_peer(peer) end
  return list
end

---What is kept here, when that is known at once.
local function stored_here(node)
  local catalogue = inside.of(node).catalogue
  local state, seen = catalogue:state()
  local stored = state == "ready" and filo.timeout(STORED_SECONDS, node.usage, node)
  return stored or {}, { state = state, seen = seen }, stored ~= false and stored ~= nil
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

function methods.status(node)
  local parts = inside.of(node)
  local free, total = filo.timeout(SPACE_SECONDS, parts.disk.space, parts.disk) -- it waits its turn behind what is being flushed
  if not free then total = nil end
  local bad, bad_bytes = filo.timeout(SPACE_SECONDS, parts.disk.bad, parts.disk)
  local stored, catalogue, counted = stored_here(node)
  return {
    stored = stored, catalogue = catalogue, counted = counted,
    id = node.id, namespace = node:namespace().id, root = node.root, address = node.address, version = filo.VERSION,
    uptime = filo.now() - started, memory = filo.memory(), free = free, total = total, bad = bad and { count = bad, bytes = bad_bytes },
    rotations = rotations(node), policy = parts.policy.name, peers = #node:peers(), unreached = parts.peer_list:unreached(),
    moving = node:activity(),
  }
end

---The file that came along; or nothing, for what is `empty` but for its fields. `dry`: says what would be done.
function methods.store(node, asked, emit, file)
  local _ <close> = report_progress(node, asked.key, emit)
  if not file and not asked.empty then return errors.fail("invalid", "no file came along") end
  local stored, err = unchanged(node, asked, file)
  if stored or err then return stored, err end
  if asked.dry then return { key = asked.key } end
  local content = file and source.file(asked.name or asked.key, file) or ""
  return node:store(asked.key, content, { fields = asked.fields, class = asked.class, encrypt = asked.encrypt })
end

---With a file, to that.
function methods.fetch(node, asked, emit, file)
  local _ <close> = report_progress(node, asked.key, emit)
  return node:fetch(asked.key, { newest = asked.newest, to = file or nil })
end

function methods.stat(node, asked) return node:stat(asked.key) end

function methods.delete(node, asked) return node:delete(asked.key) end

function methods.verify(node, asked) return node:verify(asked.key) end

---Every copy, and how many the policy wants by now.
function methods.copies(node, asked)
  local item, err = node:stat(asked.key)
  if not item then return nil, err end
  local plan, copies = node:placement(asked.key)
  if not plan then return nil, copies end
  return { item = item, quorum = plan.quorum, unreached = plan.unreached, policy = inside.of(node).policy.name, copies = copies }
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
for _, name in ipairs { "store", "fetch", "stat", "delete", "verify", "copies", "evict", "rotate", "forget_reader" } do
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
