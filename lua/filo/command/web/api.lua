---What the page of a node asks for, and what it has done, as JSON: the same that `filo peers`, `status`, `why`, `plan` and the others tell.
---
---    GET  /api/status     all that `filo status` tells
---    GET  /api/members    all members, and guests
---    GET  /api/short      what is below its number of copies, and why; what is bad and wanted
---    GET  /api/activity   what moves now, and how fast
---    GET  /api/scrub, /api/space, /api/usage, /api/applied
---    GET  /api/keys       the first names of objects that begin with ?prefix=
---    GET  /api/placement  where the copies of ?key= are, or of ?hex=, and why others are missing
---    GET  /api/plan       what would move
---    POST /api/apply      { plan = ID }, or { pause = true }, { continue = true }, { revert = true }
---    POST /api/drain, /api/forget   { id = of a member, undo = true or not }

local crypto = require "filo.core.crypto"
local dkjson = require "filo.dkjson"
local errors = require "filo.base.errors"
local json = require "filo.base.json"
local methods = require "filo.command.control.methods"

local BODY_MOST = 65536
local KEYS_MOST = 20

local function answer(value)
  return {
    headers = { ["Content-Type"] = "application/json", ["Cache-Control"] = "no-store", ["X-Content-Type-Options"] = "nosniff" },
    body = json.encode(value) .. "\n",
  }
end

---What several ask for at once is done once for all of them.
local function shared(node, fn)
  local task
  return function()
    if not task or task:status() == "ended" then task = node:spawn(fn, node, {}) end
    return task:join()
  end
end

local function status_of(node)
  local status = methods.status(node)
  json.with_object(status.copies.report or {}, "reasons")
  if status.applied then json.with_object(status.applied, "reasons") end
  status.name, status.about = node.about.name, json.object(node.about)
  return status
end

---Some of the fields of a status.
local function part(status, ...)
  local names = { ... }
  return function()
    local all, some = status(), json.object {}
    for _, name in ipairs(names) do some[name] = all[name] end
    return some
  end
end

local function members(node)
  local list = methods.members(node)
  for _, member in ipairs(list) do json.with_object(member, "about") end
  return list
end

---@return string? key, filo.Error?
local function key_of(query)
  local key = query.hex and crypto.unhex(query.hex) or query.key
  if key and key ~= "" then return key end
  return errors.fail("invalid", "the name of an object is missing: ?key=NAME, or ?hex= and its bytes in hex")
end

local function placement(node, query)
  local key, err = key_of(query)
  if not key then return nil, err end
  local survey
  survey, err = methods.copies(node, { key = key })
  return survey and json.with_object(survey.item, "fields") and survey, err
end

local function keys(node, query)
  local list = {}
  for item in node:keys(query.prefix or "") do
    list[#list + 1] = { key = item.key, size = item.size }
    if #list == KEYS_MOST then break end
  end
  return list
end

---What a change is told, as a table.
---@return table?, filo.Error?
local function told(request)
  local text, err = request:body():read("a", BODY_MOST)
  if not text then return nil, err end
  local value = dkjson.decode(text)
  if type(value) == "table" then return value end
  return errors.fail("invalid", "an object of JSON is expected")
end

local CHANGES = { "pause", "continue", "revert" }

local function apply(node, asked)
  local what = type(asked.plan) == "string" and asked.plan or nil
  for _, change in ipairs(CHANGES) do
    if asked[change] == true then what = { [change] = true } end
  end
  if not what then return errors.fail("invalid", "the ID of a plan is expected, or pause, continue or revert") end
  local of, err = methods.apply(node, { what = what })
  return of and json.with_object(of, "reasons"), err
end

---A change of what a member is: by its whole ID only, which cannot mean another one.
local function of_member(name)
  return function(node, asked)
    if type(asked.id) ~= "string" or not asked.id:find "^%x+$" or #asked.id ~= 64 then
      return errors.fail("invalid", "the ID of a member is expected")
    end
    return methods[name](node, { name = asked.id, undo = asked.undo == true })
  end
end

---@param node filo.Node
---@param guard filo.Guard
---@return table<string, fun(request: filo.http.Request): any, any>  by routes
return function(node, guard)
  local status, plan, usage = shared(node, status_of), shared(node, methods.plan), shared(node, methods.usage)
  local read = {
    status = status, plan = plan, usage = usage, short = part(status, "copies", "wanted"), activity = part(status, "moving", "rates"),
    scrub = part(status, "scrub", "wanted", "bad"), space = part(status, "free", "total", "bad", "trash"),
    applied = part(status, "applied"), members = function() return members(node) end,
    placement = function(request) return placement(node, request.query) end, keys = function(request) return keys(node, request.query) end,
  }
  local change = { apply = apply, drain = of_member "drain", forget = of_member "forget" }
  local routes = {}
  for name, fn in pairs(read) do
    routes["GET /api/" .. name] = guard:reads(function(request)
      local value, err = fn(request)
      if value == nil then return nil, err end
      return answer(value)
    end)
  end
  for name, fn in pairs(change) do
    routes["POST /api/" .. name] = guard:changes(function(request)
      local asked, err = told(request)
      if not asked then return nil, err end
      local value, problem = fn(node, asked)
      if value == nil then return nil, problem end
      return answer(value)
    end)
  end
  return routes
end
