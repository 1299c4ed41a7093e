---Streams that the scripts of peers open here: who handles which topic, how many at once, of one peer and of all, and the tasks that do so.
---
---The core's streams go one way. Who opens one opens his direction, and says so in a request; the other side attaches that, and answers
---with the number of its own direction, which the first one attaches: see Peer:open_stream.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_set = require "filo.base.set"
local new_share = require "filo.host.share"
local protocol = require "filo.peers.protocol"

---@class filo.Streams
---@field handlers table<string, function>
---@field counts table<string, integer>  streams that are being handled, by the ID of a peer
---@field handling table<filo.peers.Peer, filo.Set>  the tasks that do so
local Streams = {}
Streams.__index = Streams

---Registers what handles streams of a topic: fn(stream, body, peer).
function Streams:handle(topic, fn) self.handlers[topic] = fn end

---Counts a stream of a peer, over whichever connection it came, until the end of the scope; nil when that is too much.
local function begin(self, peer, size)
  local id, limits, counts = peer.id, self.host.limits, self.counts
  local count = counts[id] or 0
  local part = count < limits.streams and self.share:take(id, size + limits.stream_cost)
  if not part then return nil end
  counts[id] = count + 1
  return at_end(function()
    local _ <close> = part
    counts[id] = counts[id] > 1 and counts[id] - 1 or nil
  end)
end

---Notes that this task handles a stream of a peer, until the end of the scope.
local function work_for(self, peer)
  local tasks, me = self.handling[peer] or new_set(), self.host.current()
  self.handling[peer] = tasks
  tasks:add(me)
  return at_end(function()
    tasks:remove(me)
    if tasks.count == 0 then self.handling[peer] = nil end
  end)
end

---Runs what handles a stream. Its end is the end of what it writes; its failure is told.
local function run(self, peer, opened, stream, begun)
  local _ <close> = begun
  local _ <close> = stream
  local _ <close> = work_for(self, peer)
  if peer.gone then return end -- nobody would cancel it
  local ok, result, err = errors.try(opened.fn, stream, opened.body, peer.face)
  if not ok then
    local what = ("the handler of streams '%s' failed"):format(opened.topic)
    self.report("error", peer.id, what, ("%s: %s"):format(what, errors.text(result)))
    peer:cut_stream(stream, "io", "the handler failed")
  elseif result == nil and err ~= nil then
    peer:cut_stream(stream, protocol.failure(nil, err).error.code, "the handler has given it up")
  else
    pcall(stream.finish, stream) -- unless it was closed, or somebody still writes
  end
end

---Takes a stream that a peer opens: what handles it runs as a task of the node. Gives the answer.
---@param body table  of the request
---@param peer filo.peers.Peer
---@param size integer  bytes of the request
---@return table?, filo.Error?
function Streams:take(body, peer, size)
  local fn = self.handlers[body.topic]
  if not fn then return errors.fail("not_found", ("no handler of streams '%s'"):format(body.topic)) end
  local begun = begin(self, peer, size)
  if not begun then
    return errors.fail("busy", ("%d streams of this peer are open already, or too many of all"):format(self.counts[peer.id] or 0))
  end
  local stream, number = peer:new_stream()
  local ok, err = stream, number
  if stream then ok, err = peer:attach_stream(stream, body.stream) end
  if ok then
    self.tasks:spawn(run, self, peer, { topic = body.topic, fn = fn, body = body.body }, stream, begun)
    return { stream = number }
  end
  local _ <close> = begun
  local _ <close> = stream
  return nil, err
end

---A peer has gone: what handles its streams is cancelled, but for the task that calls.
function Streams:forget(peer)
  local tasks, me = self.handling[peer], self.host.current()
  for _, task in ipairs(tasks and tasks:list() or {}) do
    if task ~= me then task:cancel("the peer has gone") end
  end
end

---@param given {host: filo.Host, tasks: filo.Tasks, report: function, count: fun(): integer}  as for requests.lua
---@return filo.Streams
return function(given)
  local limits = given.host.limits
  local share = new_share { most = limits.streams_of_all, part = limits.stream_part, count = given.count }
  return setmetatable({
    host = given.host, tasks = given.tasks, report = given.report, share = share, handlers = {}, counts = {}, handling = {},
  }, Streams)
end
