---Policies that who has a key signs, so that others may upload by a form what these allow.

local crypto = require "filo.core.crypto"
local date = require "filo.http.date"
local dkjson = require "filo.dkjson"

---@class filo.s3.Policy
---@field expires integer  seconds since 1970
---@field conditions {kind: "eq"|"starts-with", name: string, value: string}[]
---@field least integer  bytes of the file
---@field most integer

local policy = {}

---@return integer?  seconds since 1970
local function seconds_of(text)
  local parts = { (type(text) == "string" and text or ""):match "^(%d%d%d%d)%-(%d%d)%-(%d%d)T(%d%d):(%d%d):(%d%d)%.?%d*Z$" }
  for i, digits in ipairs(parts) do parts[i] = math.tointeger(tonumber(digits)) end
  return parts[1] and date.seconds(table.unpack(parts)) or nil
end

local function add(made, kind, name, value)
  if type(name) ~= "string" or type(value) ~= "string" then return false end
  table.insert(made.conditions, { kind = kind, name = name:lower(), value = value })
  return true
end

local function add_range(made, least, most)
  made.least, made.most = math.tointeger(tonumber(least)), math.tointeger(tonumber(most))
  return made.least ~= nil and made.most ~= nil and made.least >= 0
end

---@return boolean
local function add_condition(made, condition)
  if type(condition) ~= "table" then return false end
  local kind = condition[1]
  if not kind then
    local name, value = next(condition)
    return name ~= nil and next(condition, name) == nil and add(made, "eq", name, value)
  end
  if #condition ~= 3 or type(kind) ~= "string" then return false end
  kind = kind:lower()
  if kind == "content-length-range" then return add_range(made, condition[2], condition[3]) end
  if kind ~= "eq" and kind ~= "starts-with" or type(condition[2]) ~= "string" then return false end
  return condition[2]:find "^%$" ~= nil and add(made, kind, condition[2]:sub(2), condition[3])
end

---@param text string  in Base64
---@return filo.s3.Policy?  nil: it is none
function policy.parse(text)
  local bytes = crypto.unbase64((text:gsub("%s", "")))
  local document = bytes and dkjson.decode(bytes, nil, dkjson.null)
  if type(document) ~= "table" or type(document.conditions) ~= "table" then return nil end
  local made = { conditions = {}, least = 0, most = math.maxinteger, expires = seconds_of(document.expiration) }
  if not made.expires then return nil end
  for _, condition in ipairs(document.conditions) do
    if not add_condition(made, condition) then return nil end
  end
  return made
end

---Fields that need no condition.
local FREE = { ["x-amz-signature"] = true, policy = true, file = true }

---@param made filo.s3.Policy
---@param fields table<string, string>
---@return string? problem
function policy.check(made, fields)
  local named = {}
  for _, condition in ipairs(made.conditions) do
    local value = fields[condition.name] or ""
    named[condition.name] = true
    local fits = condition.kind == "eq" and value == condition.value
      or condition.kind == "starts-with" and value:sub(1, #condition.value) == condition.value
    local told = '["%s", "$%s", "%s"]'
    if not fits then return "Policy Condition failed: " .. told:format(condition.kind, condition.name, condition.value) end
  end
  for name in pairs(fields) do
    if not named[name] and not FREE[name] and not name:find "^x%-ignore%-" then return "Extra input fields: " .. name end
  end
  return nil
end

return policy
