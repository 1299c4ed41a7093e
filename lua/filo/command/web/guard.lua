---Who may see the page of a node, and change something there: who has a key to everything (access.lua), or a session (sessions.lua).
---
---A browser sends both along whatever site asks it to. So what another site has asked for is refused: by what the browser says of that
---(Origin, Sec-Fetch-Site), and by a header that pages of other sites cannot set without asking first, which is answered by no.

local access = require "filo.command.web.access"

---What who has a session may do.
local SESSION = { id = "session", access = "write", prefix = "" }

local ELSEWHERE = { status = 403, body = "another site has asked for this\n" }
local UNPROVEN = { status = 403, body = "a change is asked for with the header X-Filo: 1, from the page of this node or by a program\n" }
local LIMITED = { status = 403, body = "this key does not open everything: 'filo http-key' without a prefix makes one that does\n" }
local READS = { status = 403, body = "this key only reads\n" }

---For a script in a page, at whose request a browser is not to ask for a key.
local UNKNOWN = { status = 401, body = "the session is over: 'filo open' opens another one\n" }

---@class filo.Guard
---@field node filo.Node
---@field sessions filo.Sessions
---@field cookie string  its name: cookies know no ports, and another node may have its page beside this one
local Guard = {}
Guard.__index = Guard

---@param node filo.Node
---@param sessions filo.Sessions
---@return filo.Guard
local function new(node, sessions)
  return setmetatable({ node = node, sessions = sessions, cookie = "filo-" .. node.id:sub(1, 16) }, Guard)
end

---The session that a browser proves.
---@param request filo.http.Request
---@return string?
function Guard:session(request)
  for name, value in (request.headers.cookie or ""):gmatch "([^=; ,]+)=([^; ,]*)" do
    if name == self.cookie and self.sessions:has(value) then return value end
  end
  return nil
end

---Whose request it is; nil: nobody's that is known.
---@param request filo.http.Request
---@return filo.HttpKey?
function Guard:key(request)
  if self:session(request) then return SESSION end
  return access.of(self.node.root, request)
end

---The answer to who has neither key nor session.
---@param request filo.http.Request
---@return table
function Guard.unknown(_, request)
  local headers = request.headers
  return (headers["x-filo"] or headers["sec-fetch-mode"] == "cors") and UNKNOWN or access.UNKNOWN
end

---Of a cookie that proves a session, for as long; or, without one, that it is none any more.
---@param request filo.http.Request
---@param session? string
---@return string
function Guard:set_cookie(request, session)
  local seconds = session and self.sessions.SECONDS or 0
  return ("%s=%s; Max-Age=%d; Path=/; HttpOnly; SameSite=Strict%s"):format(self.cookie, session or "", seconds,
    request.secure and "; Secure" or "")
end

---Whether the page of this node has asked, or who has no page. What is named as the site must be the host that was asked.
local function is_own(request)
  local headers = request.headers
  local site, origin = headers["sec-fetch-site"], headers.origin
  if site and site ~= "same-origin" and site ~= "none" then return false end
  if not origin then return true end
  local scheme, host = origin:match "^(https?)://(.+)$"
  return host ~= nil and host:lower() == request.host:lower() and (scheme == "https" or not request.secure)
end

local function denied(self, request, writes)
  local key = self:key(request)
  if not key then return self:unknown(request) end
  if key.prefix ~= "" then return LIMITED end
  return writes and key.access ~= "write" and READS or nil
end

---What a browser has not said where it comes from, no page has sent: all of them say so of what changes something.
local function is_proven(self, request)
  local headers = request.headers
  if headers["x-filo"] ~= "1" or headers["sec-fetch-site"] == "none" then return false end
  return headers.origin ~= nil or headers["sec-fetch-site"] ~= nil or not self:session(request)
end

---Answers who may read all that the node tells, where another site may lead to it.
---@param fn fun(request: filo.http.Request): any, any
---@return fun(request: filo.http.Request): any, any
function Guard:opens(fn)
  return function(request)
    local answer = denied(self, request, false)
    if answer then return answer end
    return fn(request)
  end
end

---The same, where no other site has anything to ask for.
---@param fn fun(request: filo.http.Request): any, any
---@return fun(request: filo.http.Request): any, any
function Guard:reads(fn)
  local opened = self:opens(fn)
  return function(request)
    if not is_own(request) then return ELSEWHERE end
    return opened(request)
  end
end

---Answers who may change all.
---@param fn fun(request: filo.http.Request): any, any
---@return fun(request: filo.http.Request): any, any
function Guard:changes(fn)
  return function(request)
    if not is_own(request) then return ELSEWHERE end
    local answer = denied(self, request, true) or not is_proven(self, request) and UNPROVEN
    if answer then return answer end
    return fn(request)
  end
end

return new
