---Requests from peers: who answers which topic, how many are answered at once, of one peer and of all, and the answers.

local errors = require "filo.base.errors"
local new_share = require "filo.host.share"
local protocol = require "filo.peers.protocol"

---@class filo.Requests
---@field handlers table<string, function>
---@field serving table<string, {count: integer, bytes: integer}>  what is being answered, by the ID of a peer
local Requests = {}
Requests.__index = Requests

---Registers what answers requests of a topic: fn(body, peer, size) gives the answer, or nil, err; size: bytes of the message.
function Requests:handle(topic, fn) self.handlers[topic] = fn end

---What is being answered of a peer, over whichever connection it asked.
local function serving_of(self, id) return self.serving[id] or { count = 0, bytes = 0 } end

local function change(self, id, count, bytes)
  local serving = serving_of(self, id)
  serving.count, serving.bytes = serving.count + count, serving.bytes + bytes
  self.serving[id] = serving.count > 0 and serving or nil
end

---A request that is being answered.
local Begun = { __close = function(begun)
  local _ <close> = begun.part
  change(begun.requests, begun.id, -1, -begun.size)
end }

---Takes on a request of a peer, until the end of the scope; nil when so many, or so long ones, are being answered already: of its own, or
---of all peers.
local function begin(self, peer, size)
  local id, limits, serving = peer.id, self.host.limits, serving_of(self, peer.id)
  if serving.count >= limits.requests or serving.bytes + size > limits.request_bytes then return nil end
  local part = self.share:take(id, size + limits.request_cost)
  if not part then return nil end
  change(self, id, 1, size)
  return setmetatable({ requests = self, id = id, size = size, part = part }, Begun)
end

local function run_handler(self, peer, request, size)
  local handler = self.handlers[request.topic]
  if not handler then return errors.fail("unsupported", ("no handler for '%s'"):format(request.topic)) end
  local body, problem = protocol.check_body(self.host.limits, request.topic, "request", request.body)
  if problem then return nil, problem end
  local ok, result, err = errors.try(handler, body, peer, size)
  if not ok then
    local what = ("the handler of '%s' failed"):format(request.topic)
    self.report("error", peer.id, what, ("%s: %s"):format(what, errors.text(result)))
    return errors.fail("io", "the handler failed")
  end
  return result, err
end

---An answer that cannot be sent, for its size or what is in it, is replaced by an error: nobody is left waiting.
local function serve(self, peer, request, size, begun)
  local _ <close> = begun
  local body, err = run_handler(self, peer, request, size)
  local reply = body == nil and err and protocol.failure(request.id, err) or { re = request.id, body = body }
  local called, sent, problem = errors.try(peer.send, peer, reply)
  if called and (sent or problem.code ~= "too_large") then return end -- else nobody takes it
  problem = called and problem or errors.new("invalid", tostring(sent))
  local what = ("the answer to '%s' cannot be sent"):format(request.topic)
  self.report("error", peer.id, what, ("%s: %s"):format(what, tostring(problem)))
  peer:send(protocol.failure(request.id, errors.wrap(problem, "the answer cannot be sent")))
end

---Starts answering a request, or says that there are too many. nil and an error when the peer does not even read that.
---@param size integer  bytes of the message
---@return true?, filo.Error?
function Requests:take(peer, request, size)
  local begun = begin(self, peer, size)
  if begun then
    self.tasks:spawn(serve, self, peer, request, size, begun)
    return true
  end
  local serving = serving_of(self, peer.id)
  local message = ("%d requests of this peer, of %d bytes, are being served already"):format(serving.count, serving.bytes)
  return peer:post(protocol.failure(request.id, errors.new("busy", message)))
end

---@param given {host: filo.Host, tasks: filo.Tasks, report: function, count: fun(): integer}  report: see reports.lua; count: how many
---peers are connected
---@return filo.Requests
return function(given)
  local limits = given.host.limits
  local share = new_share { most = limits.requests_of_all, part = limits.request_part, count = given.count }
  return setmetatable({
    host = given.host, tasks = given.tasks, report = given.report, share = share, handlers = {}, serving = {},
  }, Requests)
end
