---A peer: requests to it over its connection, and objects beside them.

local at_end = require "filo.host.at_end"
local errors = require "filo.base.errors"
local new_face = require "filo.peers.face"
local new_gate = require "filo.host.gate"
local new_stall_watch = require "filo.host.stall"
local protocol = require "filo.peers.protocol"
local sorted_keys = require "filo.base.sorted_keys"

---@class filo.peers.Peer
---@field id string  node ID, 64 hex digits
---@field address string  numeric address of the far end
---@field listen? string  where it says that it can be dialled
---@field about table  what its owner tells of it
---@field instance? string  16 bytes that are of this run of the node only
---@field free? integer  bytes free in its store, as far as it has told
---@field left? integer  copies that are still to move from it, since it is to be emptied
---@field given_up_at? integer  bytes that had come when it was last waited for in vain
---@field doubted_at? integer  the same, when only a quick sign was waited for
---@field rtt? number  seconds of the last ping, as of when the peers were last listed
---@field namespaces table<string, integer>  those that it has proved to write, by their raw IDs: with which generation
---@field face filo.Peer  what scripts get of it
---@field takes_bulk boolean  as this node does
---@field bulk boolean  there is a bulk line to it
---@field pace filo.Pace  what it moves at most in a second, as it says
---@field line? filo.core.Connection  the bulk line to it, while there is one
local Peer = {}
Peer.__index = Peer

---@param given {host: filo.Host, owner: filo.Peers, connection: filo.core.Connection, id: string, instance?: string,
---  welcome: table, bulk?: boolean}
---@return filo.peers.Peer
function Peer.new(given)
  local host, connection, welcome = given.host, given.connection, given.welcome
  local self = setmetatable({
    id = given.id, owner = given.owner, connection = connection, address = connection:remote(),
    listen = welcome.says.addresses[1], about = welcome.says.about, free = welcome.free, namespaces = welcome.namespaces,
    instance = given.instance, host = host, pace = welcome.pace or {},
    pending = {}, ended = new_gate(host), room = new_gate(host), turns = {}, next_id = 1,
    takes_bulk = given.bulk and welcome.bulk or false, bulk = false, line_lost = new_gate(host),
    streams = setmetatable({}, { __mode = "v" }),
  }, Peer)
  self.face = new_face(self)
  return self
end

---Takes what the core has measured.
function Peer:refresh() self.rtt = self.connection:rtt() end

function Peer.is(value) return getmetatable(value) == Peer end

local function gone(self) return nil, errors.wrap(self.gone, "node " .. self.id:sub(1, 16), { peer = self.id }) end

---Waits until the connection may have room. The first who comes waits for the connection, the others for the first. A peer that takes
---nothing, or next to nothing, for so long while much is queued is given up.
local function wait_for_room(self, deadline)
  local host = self.host
  if self.draining then return self.room:wait(deadline - host.now()) end
  self.draining = true
  local _ <close> = at_end(function()
    self.draining = false
    self.room:wake()
  end)
  local stall = host.limits.send_stall
  self.taken = self.taken or new_stall_watch(host, function() return self.connection:stats().bytes_out end)
  self.connection:drained(math.min(self.taken:deadline(stall), deadline) - host.now())
  if not self.gone and self.taken:stalled(stall) then
    self.owner:turn_out(self, "timeout", "it takes next to nothing of what is sent to it")
  end
end

---Gives a message to the connection. All that is sent to a peer goes this way, and none past it: what nobody reads is counted here.
---@return true?, filo.Error?  "busy": there is no room
function Peer:post(message)
  if self.gone then return gone(self) end
  local ok, queued = self.connection:send(message)
  if not ok then return nil, queued end
  self.owner.backlog:note(self, queued)
  return true
end

---Sends a message; waits while much is unsent, up to a deadline (30 seconds by default).
---@param seconds? number
---@return true?, filo.Error?
function Peer:send(message, seconds)
  local host = self.host
  local deadline = host.now() + (seconds or host.limits.request)
  local ok, err = self:post(message)
  if ok or self.gone or err.code ~= "busy" then return ok, err end
  local _ <close> = self.owner.backlog:hold(self, #host.encode(message))
  repeat
    if host.now() >= deadline then
      return errors.fail("timeout", "it takes nothing of what is sent to it: " .. err.message, { peer = self.id })
    end
    wait_for_room(self, deadline)
    ok, err = self:post(message)
  until ok or self.gone or err.code ~= "busy"
  return ok, err
end

---How many bytes wait in its connection's queue.
function Peer:queued() return self.connection:stats().queued end

---Asks for a sign of life, of which no more than that it comes is looked at.
local function ask_for_sign(self)
  local id = self.next_id
  self.next_id = id + 1
  self:post { id = id, topic = "ping", body = {} }
end

---Looks whether a peer lives that is waited for: one that has sent nothing at all in some seconds is asked for a sign, and given up when
---none comes in as many. Its process may be stopped, or its line cut: no answer is to be expected. On a slow line the question itself
---may still be on its way, behind much else: as long as that moves, the wait does not begin.
---@param seconds number
---@param moves boolean  what is on its way counts
---@return fun(): number?  seconds until it is to be looked again; nil: it does not
local function new_pulse(self, seconds, moves)
  local host = self.host
  local bytes, acknowledged, since, asked = self.connection:bytes_in(), nil, host.now(), nil
  return function()
    local stats, now = self.connection:stats(), host.now()
    local moved = moves and stats.under_way and acknowledged and stats.acknowledged ~= acknowledged
    local speaks = stats.bytes_in ~= bytes
    bytes, acknowledged = stats.bytes_in, stats.acknowledged
    if moved or speaks then
      since, asked = now, nil
    elseif not asked and since + seconds - now <= 0 then
      asked = now
      ask_for_sign(self)
    end
    local left = (asked or since) + seconds + (asked and 4 * (stats.rtt or 0) or 0) - now
    return left > 0 and left or nil
  end
end

---Whether nothing at all has come since it was given up: it is not waited for again until it speaks. The same of one that only showed no
---quick sign, where no more than that is waited for.
local function is_silent(self, sign)
  if not self.given_up_at and not (sign and self.doubted_at) then return false end
  local bytes = self.connection:bytes_in()
  return bytes == self.given_up_at or sign ~= nil and bytes == self.doubted_at
end

local function no_answer(self, topic)
  return errors.fail("timeout", ("node %s did not answer '%s' in time"):format(self.id:sub(1, 16), topic), { peer = self.id })
end

local function still_silent(self)
  local sentence = "node %s shows no sign of life: it is asked nothing until it does"
  return errors.fail("timeout", sentence:format(self.id:sub(1, 16)), { peer = self.id })
end

---Waits for the reply to a request that was sent.
---@param sign? number  as for Peer:request
local function wait_for_reply(self, waiting, topic, deadline, sign)
  local host = self.host
  local pulse, lives = sign or host.limits.pulse, nil
  while not waiting.reply do
    if self.gone then return gone(self) end
    local left = deadline - host.now()
    local silent, next_look = is_silent(self, sign), pulse
    if not silent and lives then next_look = lives() end
    if not next_look then
      silent = true
      local bytes = self.connection:bytes_in()
      if sign then self.doubted_at = bytes else self.given_up_at = bytes end
    end
    if left <= 0 or silent then return no_answer(self, topic) end
    lives = lives or new_pulse(self, pulse, not sign)
    host.suspend(math.min(left, next_look))
  end
  return waiting.reply
end

---A request that was sent: `reply`, once it has come. It is not waited for beyond the end of the scope.
local Waiting = { __close = function(waiting) waiting.pending[waiting.id] = nil end }

---Asks the peer and waits for its answer. One that was given up is not asked until it speaks.
---@param topic string
---@param body any
---@param seconds? number  deadline, 30 by default
---@param sign? number  seconds without a byte until it is asked for a sign of life, and then until this request is given up;
---  limits.pulse by default, after which the peer is given up
---@return any, filo.Error?
function Peer:request(topic, body, seconds, sign)
  if not self.gone and is_silent(self, sign) then return still_silent(self) end
  local host = self.host
  local id = self.next_id
  self.next_id = id + 1
  local waiting <close> = setmetatable({ task = host.current(), id = id, pending = self.pending }, Waiting)
  self.pending[id] = waiting
  seconds = seconds or host.limits.request
  local deadline = host.now() + seconds
  local ok, err = self:send({ id = id, topic = topic, body = body }, seconds)
  if not ok then return nil, self.gone and err or errors.wrap(err, "node " .. self.id:sub(1, 16), { peer = self.id }) end
  local reply
  reply, err = wait_for_reply(self, waiting, topic, deadline, sign)
  if not reply then return nil, err end
  if reply.error then return nil, protocol.error_of(reply, self.id) end
  local body_ok, problem = protocol.check_body(host.limits, topic, "reply", reply.body)
  if problem then return nil, errors.wrap(problem, "node " .. self.id:sub(1, 16), { peer = self.id }) end
  return body_ok
end

---A reply has come.
function Peer:settle(reply)
  local waiting = self.pending[reply.re]
  if not waiting then return end
  self.pending[reply.re] = nil
  waiting.reply = reply
  self.host.wake(waiting.task)
end

local Turns = { __close = function(line)
  line.ended = line.ended + 1
  line.slots:receive()
end }

---The turns of some kind, each of which ends with the scope that has it: how many have, and a place for each that is under way.
local function new_turns(host, most) return setmetatable({ slots = host.channel(most), ended = 0 }, Turns) end

---Bytes that have gone either way, where one of the two ends keeps to a rate; else nil.
---@return integer?
local function moved_slowly(self)
  if self.gone or not (self:rate "up" or self:rate "down") then return nil end
  local sum = 0
  for _, connection in ipairs { self.connection, self.line } do
    local stats = connection:stats()
    sum = sum + stats.bytes_in + stats.bytes_out
  end
  return sum
end

---Where there is a rate a turn may take long: whether something has moved since then.
---@param before? integer
local function goes_on(self, before)
  local now = before and moved_slowly(self)
  return now and now - before >= self.host.limits.least_bytes
end

---Waits until fewer than limits[what] of ours are under way at this peer; the turn ends with the scope. The peer has such limits,
---too, and tells who does not keep to them that it is busy. nil and an error after so many seconds, or, without, when in limits.turn
---no turn has ended: a line that moves is waited in.
---@param seconds? number
---@return table?, filo.Error?
function Peer:turn(what, seconds)
  local limits = self.host.limits
  local line = self.turns[what] or new_turns(self.host, limits[what])
  self.turns[what] = line
  local got, ended, moved
  repeat
    ended, moved = line.ended, moved_slowly(self)
    got = line.slots:send(true, seconds or limits.turn)
  until got or seconds or line.ended == ended and not goes_on(self, moved)
  if got then return line end
  local why = ("it is busy: %d of this node's are under way there already, and none has ended in time"):format(limits[what])
  return errors.fail("timeout", why, { peer = self.id })
end

---As request, for Filo's own short questions: in turn, so that many at once do not overwhelm the peer.
---@param sign? number  as for request
function Peer:ask(topic, body, seconds, sign)
  seconds = seconds or self.host.limits.request
  local deadline = self.host.now() + seconds
  local turn <close>, err = self:turn("questions", seconds)
  if not turn then return nil, err end
  return self:request(topic, body, math.max(0, deadline - self.host.now()), sign)
end

---The peer over the connection that took over from this one, if one did. It is waited for where it is still being greeted.
---@param err filo.Error  how something failed over this one: it may be told before the end of the connection is
---@return filo.peers.Peer?
function Peer:successor(err)
  if not self.gone and err.code == "exists" then self:wait_gone(self.host.limits.rival) end
  return self.taken_over and self.owner:wait_for(self.id) or nil
end

---What fn(peer, ...) gives; when it fails, and another connection to the same node took over meanwhile, it is called once more with the
---peer over that one. For what does no harm when it is done twice.
---@param fn fun(peer: filo.peers.Peer, ...): any, filo.Error?
---@return any, filo.Error?
function Peer:across_takeover(fn, ...)
  local result, err = fn(self, ...)
  local successor = err and self:successor(err)
  if successor then return fn(successor, ...) end
  return result, err
end

---As connection:send_object, over the bulk line where there is one and the object is sealed. Gives the line, too, if it goes there.
---@param object filo.core.Object
---@return filo.core.Transfer?, filo.core.Connection|filo.Error|nil
function Peer:send_object(object, ...)
  if self.gone then return gone(self) end
  local line = self.line
  if line and not object:fields().plain then
    local transfer, err = line:send_object(object, ...)
    if transfer then return transfer, line end
    if err.code ~= "closed" then return nil, err end
  end
  return self.connection:send_object(object, ...)
end

---As connection:receive_object; of a stream that a message names. Gives the line, too, if it comes there.
---@param named {stream: integer, bulk?: boolean}
---@return filo.core.Transfer?, filo.core.Connection|filo.Error|nil
function Peer:receive_object(named, ...)
  if self.gone then return gone(self) end
  if not named.bulk then return self.connection:receive_object(named.stream, ...) end
  local line = self.line
  if not line then return errors.fail("closed", "the bulk line has ended", { peer = self.id }) end
  local transfer, err = line:receive_object(named.stream, ...)
  return transfer, transfer and line or err
end

---Streams of sealed objects go over this line from now on.
---@param line filo.core.Connection
function Peer:use_line(line)
  if self.line then self.line:close() end
  self.line, self.bulk = line, true
  if self.gone then self:lose_line(line) end
end

---A line has ended, or is given up.
---@param line filo.core.Connection
function Peer:lose_line(line)
  line:close()
  if self.line ~= line then return end
  self.line, self.bulk = nil, false
  self.line_lost:wake()
end

---After these, a transfer may have failed because its line did. What is corrupt may have been changed on the way.
local LINE_FAILED = { unreachable = true, closed = true, timeout = true, protocol = true, corrupt = true }

---Whether something failed because the bulk line that it went over has ended: it is done again, over TLS. It may be told before the end of
---the line is. One over which something corrupt came is given up.
---@param line? filo.core.Connection
---@param err filo.Error
---@return boolean
function Peer:has_lost(line, err)
  if not line or self.gone or not LINE_FAILED[err.code] then return false end
  if err.code == "corrupt" then self:lose_line(line) end
  self.line_lost:wait_for(function() return self.line ~= line end, self.host.limits.rival)
  return self.line ~= line and not self.gone
end

---A stream to the peer, and its number, by which the peer attaches it. It is cut when the peer goes.
---@return filo.Stream?, integer|filo.Error
function Peer:new_stream()
  if self.gone then return gone(self) end
  local stream, number = self.connection:open_stream(self.id)
  if not stream then return nil, errors.wrap(number, "node " .. self.id:sub(1, 16), { peer = self.id }) end
  self.streams[number] = stream
  return stream, number
end

---What the peer writes under this number is read from the stream.
---@return true?, filo.Error?
function Peer:attach_stream(stream, number)
  if self.gone then return gone(self) end
  return self.connection:attach_stream(stream, number)
end

---Opens a stream to what handles its topic at the peer, once that has taken it.
---@param topic string
---@param body any
---@param seconds? number  deadline, 30 by default
---@return filo.Stream?, filo.Error?
function Peer:open_stream(topic, body, seconds)
  local stream, number = self:new_stream()
  if not stream then return nil, number end
  local opened
  local _ <close> = at_end(function()
    if not opened then stream:close() end
  end)
  local reply, err = self:request("open", { topic = topic, body = body, stream = number }, seconds)
  if not reply then return nil, err end
  opened, err = self:attach_stream(stream, reply.stream)
  if not opened and err.code ~= "closed" then return nil, err end
  opened = true -- closed: what handles it has given it up meanwhile, which the stream tells
  return stream
end

---Gives up what has not ended of a stream, and tells the peer the code.
function Peer:cut_stream(stream, code, why) self.connection:cut_stream(stream, code, why) end

---Its connection has ended: whoever waits for the peer learns why. "exists": another connection to the same node took over from it.
function Peer:end_with(err)
  self.taken_over = err.code == "exists"
  self.gone = self.taken_over and errors.new("closed", "another connection to it took over meanwhile: ask again") or err
  for _, id in ipairs(sorted_keys(self.pending)) do self.host.wake(self.pending[id].task) end
  for _, number in ipairs(sorted_keys(self.streams)) do
    local stream = self.streams[number] -- nil: nobody had it any more
    if stream then self:cut_stream(stream, self.gone.code, self.gone.message) end
  end
  if self.line then self:lose_line(self.line) end
  self.ended:open()
end

---It does not answer: another connection may take the place of this one.
function Peer:give_way() self.silent = true end

---What it has said of itself.
---@param news {free?: integer, left?: integer, pace?: filo.Pace}
function Peer:hear(news)
  self.free, self.left, self.pace = news.free or self.free, news.left or self.left, news.pace or self.pace
end

---To how many bytes a second this node, or the peer, keeps; nil: neither does.
---@param way "up"|"down"  as this node sees it
---@return integer?
function Peer:rate(way)
  local own, theirs = self.owner.settings.rates.now[way], self.pace[way == "up" and "down" or "up"]
  return own and theirs and math.min(own, theirs) or own or theirs
end

---What is newer in the roster of it.
---@param entry filo.RosterEntry
function Peer:describe(entry) self.listen, self.about = entry.addresses[1], entry.about end

---Waits until this connection to the peer has ended, or the deadline.
---@param seconds? number
---@return boolean gone
function Peer:wait_gone(seconds)
  return self.ended:wait_for(function() return self.gone ~= nil end, seconds)
end

function Peer:__tostring() return ("peer %s at %s"):format(self.id:sub(1, 16), self.address) end

return Peer
