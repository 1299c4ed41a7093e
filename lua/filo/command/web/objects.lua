---Objects over HTTP: GET, HEAD, PUT and DELETE of /o/KEY, and lists of what is below a folder, for who has a key (access.lua).

local access = require "filo.command.web.access"
local capability = require "filo.command.web.capability"
local conditional = require "filo.http.conditional"
local content = require "filo.http.content"
local inside = require "filo.base.inside"
local listing = require "filo.command.web.listing"
local readiness = require "filo.command.web.readiness"

---Seconds in which a catalogue may become ready that is asked for a list.
local PATIENCE = 5

local DENIED = { status = 403, body = "this key does not open that\n" }

---What a browser shows of an object may not act for who is logged in.
local HARMLESS = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"

local PAGE = "default-src 'none'; style-src 'unsafe-inline'"

local function is_folder(name) return name == "" or name:sub(-1) == "/" end

local function list(node, request, prefix)
  local why = readiness.wait(node, PATIENCE)
  if why then return { status = 503, headers = { ["Retry-After"] = "5" }, body = why .. "\n" } end
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

local function is_conditional(request)
  local headers = request.headers
  return headers["if-match"] or headers["if-none-match"] or headers["if-unmodified-since"]
end

local FAILED = { status = 412, body = "what is there is not what the condition asks for\n" }

---What is there of an object whose change a request makes depend on that: its version, or false where it is to be put and nothing is there;
---nil where it depends on nothing.
---@return integer|false|nil expected
---@return table? answer  when there is no more to be done
---@return filo.Error? err  the same
local function expect(node, request, name)
  if not is_conditional(request) then return nil end
  local decides, undecided = inside.of(node).expecting:decides()
  if not decides then return nil, nil, undecided end
  local item, err = node:stat(name)
  local absent = not item and err.code == "not_found" and request.method == "PUT"
  if not item and not absent then return nil, nil, err end
  local validators = item and content.validators(item.version) or { exists = false }
  if conditional.check(request.method, request.headers, validators) then return nil, FAILED end
  return item and item.version or false
end

---What came between makes a condition fail that held before.
local function failed(expected, err)
  if expected ~= nil and err.code == "exists" then return FAILED end
  return nil, err
end

local function put(node, request, name)
  if is_folder(name) then return { status = 400, body = "a name that ends in / is a folder: put what is in it\n" } end
  if request.headers["content-range"] then return { status = 400, body = "an object is put whole\n" } end
  if request.headers["content-encoding"] then return { status = 415, body = "an object is put as it is, not encoded\n" } end
  local expected, answer, problem = expect(node, request, name)
  if answer or problem then return answer, problem end
  local receipt, err = node:store(name, request:body(), {
    fields = { ["content-type"] = request.headers["content-type"] }, expected = expected,
  })
  if not receipt and err.code == "not_found" then error(err, 0) end -- of the root
  if not receipt then return failed(expected, err) end
  return { status = 201, headers = { ETag = content.validators(receipt.version).etag } }
end

local function delete(node, request, name)
  local expected, answer, problem = expect(node, request, name)
  if answer or problem then return answer, problem end
  local ok, err = node:delete(name, { expected = expected })
  if not ok then return failed(expected, err) end
  return 204
end

---@param node filo.Node
---@return table<string, fun(request: filo.http.Request): any, any>  by routes
return function(node)
  local function opened(fn, writes)
    return function(request)
      local name = request.parameters.key
      local key = access.of(node.root, request) or capability(node, request, name)
      if not key then return access.UNKNOWN end
      if not access.allows(key, name, writes) then return DENIED end
      return fn(node, request, name)
    end
  end
  return {
    ["GET /o/{key...}"] = opened(get, false), ["PUT /o/{key...}"] = opened(put, true), ["DELETE /o/{key...}"] = opened(delete, true),
  }
end
