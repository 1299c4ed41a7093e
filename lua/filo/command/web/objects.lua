---Objects over HTTP: GET, HEAD, PUT and DELETE of /o/KEY, and lists of what is below a folder, for who has a key (access.lua).

local access = require "filo.command.web.access"
local listing = require "filo.command.web.listing"

local DENIED = { status = 403, body = "this key does not open that\n" }

local UNKNOWN = {
  status = 401, headers = { ["WWW-Authenticate"] = 'Basic realm="filo", charset="UTF-8"' },
  body = "a key is needed: 'filo http-key' makes one\n",
}

---What a browser shows of an object may not act for who is logged in.
local HARMLESS = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"

local PAGE = "default-src 'none'; style-src 'unsafe-inline'"

local function is_folder(name) return name == "" or name:sub(-1) == "/" end

local function list(node, request, prefix)
  local entries, more = listing.of(node, prefix, request.query.after or "")
  if (request.headers.accept or ""):find("application/json", 1, true) then
    return { headers = { ["Content-Type"] = "application/x-ndjson", ["Cache-Control"] = "no-store" }, body = listing.json(entries, more) }
  end
  return {
    headers = {
      ["Content-Type"] = "text/html; charset=utf-8", ["Content-Security-Policy"] = PAGE, ["Cache-Control"] = "no-store",
      ["Referrer-Policy"] = "no-referrer",
    },
    body = listing.html(prefix, entries, more),
  }
end

local function get(node, request, name)
  if is_folder(name) then return list(node, request, name) end
  local object, err = node:get(name)
  if not object then return nil, err end
  local kind = object.fields and object.fields["content-type"]
  return {
    headers = {
      ["Content-Type"] = type(kind) == "string" and kind:find "^[\x20-\x7e]+$" and kind or nil, ["Content-Security-Policy"] = HARMLESS,
      ["X-Content-Type-Options"] = "nosniff", ["Cache-Control"] = "private, no-cache",
    },
    body = object,
  }
end

---What a condition asks for could be so when it is looked at, and not any more when the object is stored.
local function is_conditional(request)
  local headers = request.headers
  return headers["if-match"] or headers["if-none-match"] or headers["if-unmodified-since"]
end

local function put(node, request, name)
  if is_folder(name) then return { status = 400, body = "a name that ends in / is a folder: put what is in it\n" } end
  if request.headers["content-range"] then return { status = 400, body = "an object is put whole\n" } end
  if is_conditional(request) then return { status = 501, body = "a PUT on a condition is not known here\n" } end
  if request.headers["content-encoding"] then return { status = 415, body = "an object is put as it is, not encoded\n" } end
  local receipt, err = node:store(name, request:body(), { fields = { ["content-type"] = request.headers["content-type"] } })
  if not receipt and err.code == "not_found" then error(err, 0) end -- of the root
  if not receipt then return nil, err end
  return { status = 201, headers = { ETag = ('"%x"'):format(receipt.version) } }
end

local function delete(node, request, name)
  if is_conditional(request) then return { status = 501, body = "a DELETE on a condition is not known here\n" } end
  local ok, err = node:delete(name)
  if not ok then return nil, err end
  return 204
end

---@param node filo.Node
---@return table<string, fun(request: filo.http.Request): any, any>  by routes
return function(node)
  local function opened(fn, writes)
    return function(request)
      local key, name = access.of(node.root, request), request.parameters.key
      if not key then return UNKNOWN end
      if not access.allows(key, name, writes) then return DENIED end
      return fn(node, request, name)
    end
  end
  return {
    ["GET /o/{key...}"] = opened(get, false), ["PUT /o/{key...}"] = opened(put, true), ["DELETE /o/{key...}"] = opened(delete, true),
  }
end
