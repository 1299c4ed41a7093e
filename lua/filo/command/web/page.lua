---The page of a node, for people: `GET /`, and its parts at /page/NAME. It asks nobody but the node (api.lua, events.lua).

local modules = require "filo.core.modules"

local FOLDER = "filo/command/web/page/"

local TYPES = {
  css = "text/css; charset=utf-8", html = "text/html; charset=utf-8", js = "text/javascript; charset=utf-8", svg = "image/svg+xml",
}

---What the page may do: nothing that comes from elsewhere, and nothing that is written into it.
local POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
  .. "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

local function headers_of(kind)
  return {
    ["Content-Type"] = kind, ["Content-Security-Policy"] = POLICY, ["Cache-Control"] = "no-store", ["X-Content-Type-Options"] = "nosniff",
    ["Referrer-Policy"] = "no-referrer", ["Cross-Origin-Opener-Policy"] = "same-origin", ["Cross-Origin-Resource-Policy"] = "same-origin",
  }
end

---The text of a part: the embedded one, or where FILO_PATH has another one, that.
local function read(name)
  local path = modules.override(FOLDER .. name)
  if not path then return modules.source(FOLDER .. name) end
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

---@param name string  anybody's word
local function part(name)
  local kind = name:find "^[%l-]+%.%l+$" and TYPES[name:match "%l+$"]
  local text = kind and read(name)
  return text and { headers = headers_of(kind), body = text } or { status = 404, body = "the page has no such part\n" }
end

local USED = "this link was used, or is older than a minute: 'filo open' gives another one\n"

---Leads on to the page, without the token. A browser would send no cookie after a redirect, where another site has led to the link: from
---here it goes on by itself.
local ON = '<!doctype html><html lang="en"><meta http-equiv="refresh" content="0; url=/"><title>Filo</title>'
  .. '<p><a href="/">Go on</a></p></html>\n'

---Trades the token of a link for a session.
local function enter(guard, request)
  local session = guard.sessions:begin(request.query.token)
  if not session then return { status = 403, headers = headers_of "text/plain; charset=utf-8", body = USED } end
  local headers = headers_of(TYPES.html)
  headers["Set-Cookie"] = guard:set_cookie(request, session)
  return { headers = headers, body = ON }
end

local function leave(guard, request)
  guard.sessions:finish(guard:session(request) or "")
  return { status = 204, headers = { ["Set-Cookie"] = guard:set_cookie(request) } }
end

---@param guard filo.Guard
---@return table<string, fun(request: filo.http.Request): any, any>  by routes
return function(guard)
  local index = guard:opens(function() return part "index.html" end)
  return {
    ["GET /"] = function(request)
      if request.method == "GET" and request.query.token then return enter(guard, request) end
      return index(request)
    end,
    ["GET /page/{name}"] = guard:reads(function(request) return part(request.parameters.name) end),
    ["POST /api/leave"] = guard:changes(function(request) return leave(guard, request) end),
  }
end
