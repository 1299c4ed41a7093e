---Gossip: what is new in the roster goes to all who are connected, and two that connect tell each other what one of them lacks. It goes to
---and comes from those only who have proved the cluster secret, or are listed: whoever else was let in has no say in who the members are.

local protocol = require "filo.peers.protocol"

---@class filo.Gossip
local Gossip = {}
Gossip.__index = Gossip

---Rounds of questions to one peer, each of which has to bring something.
local MOST_ROUNDS = 64

local TAKES = { "records", "take", "verdicts", "take_verdict", "policies", "take_policy" }

---Takes what a peer tells. Who tells what is no record, or falsely signed, is told of.
---@param news filo.RosterNews
---@return integer? taken, filo.Error?
local function take(self, peer, news)
  local taken = 0
  for i = 1, #TAKES, 2 do
    for _, each in ipairs(news[TAKES[i]]) do
      local is_new, err = self.roster[TAKES[i + 1]](self.roster, each, peer.id)
      if is_new == nil then
        self.report("warning", peer.id, "roster", ("%s tells of a member what makes no sense: %s"):format(tostring(peer), tostring(err)))
        return nil, err
      end
      taken = taken + (is_new and 1 or 0)
    end
  end
  return taken
end

---@param news filo.RosterNews
local function has_any(news) return news.records[1] or news.verdicts[1] or news.policies[1] end

---Whether there may be more than one message had.
---@param news filo.RosterNews
local function is_full(news)
  return math.max(#news.records, #news.verdicts, #news.policies) == protocol.MOST_RECORDS
end

local function tell(peer, news) return peer:across_takeover(peer.ask, "member", news) end

---Asks a peer for what it knows better, and tells it what this node does, until neither brings anything.
---@param peer filo.peers.Peer
function Gossip:compare(peer)
  if not self.trusts(peer) then return end
  for _ = 1, MOST_ROUNDS do
    local answer = peer:across_takeover(peer.ask, "members", self.roster:known(peer.id))
    local taken = answer and take(self, peer, answer)
    if not taken then return end
    local news = self.roster:newer(answer, protocol.MOST_RECORDS)
    if has_any(news) then tell(peer, news) end
    if taken == 0 and not is_full(news) and not is_full(answer) then return end
  end
end

---Compares with all who are connected: others decide here by now.
function Gossip:compare_all()
  self.roster:reconsider()
  for _, peer in ipairs(self.peers:list()) do self.spawn(self.compare, self, peer) end
end

---Tells all what is new.
local function spread(self)
  local news = self.roster:take_news(protocol.MOST_RECORDS)
  if not has_any(news) then return end
  for _, peer in ipairs(self.peers:list()) do
    if self.trusts(peer) then self.spawn(tell, peer, news) end
  end
end

---Spreads and saves what is new, as long as the node lives, a few times a second at most: so no member has the others talk of it all the
---time.
local function run(self)
  while true do
    if not self.roster:has_news() then self.roster.changed:wait() end
    spread(self)
    self.roster:save()
    self.host.sleep(self.host.limits.gossip)
  end
end

---@param given {host: filo.Host, roster: filo.Roster, peers: filo.Peers, report: function, spawn: function,
---  trusts: fun(peer: filo.peers.Peer): boolean}
---@return filo.Gossip
return function(given)
  local self = setmetatable(given, Gossip)
  given.peers:handle("members", function(body, peer)
    if not self.trusts(peer) then return { known = "", policies_known = "", records = {}, verdicts = {}, policies = {} } end
    local answer = self.roster:newer(body, protocol.MOST_RECORDS)
    for name, value in pairs(self.roster:known(peer.id)) do answer[name] = value end
    return answer
  end)
  given.peers:handle("member", function(body, peer)
    if not self.trusts(peer) then return {} end
    local taken, err = take(self, peer, body)
    if not taken then return nil, err end
    return {}
  end)
  given.spawn(run, self)
  return self
end
