---Requests that are to be carried out under a condition only (RFC 9110 section 13).

local date = require "filo.http.date"

local conditional = {}

---What a representation is compared by.
---@class filo.http.Validators
---@field etag? string  '"..."', or 'W/"..."' for a weak one
---@field modified? integer  seconds since 1970
---@field exists? boolean  false: there is none. Default: true

local SAFE = { GET = true, HEAD = true }

---Methods that have to do with no representation: conditions are not for them.
local OTHER = { CONNECT = true, OPTIONS = true, TRACE = true }

local NOTHING = { exists = false }

---@param value string
---@param at integer
---@return {weak: boolean, opaque: string}?  the entity tag that is there
---@return integer? after
local function tag_at(value, at)
  local weak = value:sub(at, at + 1) == "W/"
  local opaque, after = value:match('^"([\x21\x23-\x7e\x80-\xff]*)"()', weak and at + 2 or at)
  if not opaque then return nil end
  return { weak = weak, opaque = opaque }, after
end

---@param value string
---@return {weak: boolean, opaque: string}[]?  nil: it is no list of entity tags
local function tags_of(value)
  local tags, at = {}, value:match "^[ \t,]*()"
  while at <= #value do
    local tag, after = tag_at(value, at)
    at = tag and (value:match("^[ \t]*,[ \t,]*()", after) or value:match("^[ \t]*()$", after))
    if not at then return nil end
    tags[#tags + 1] = tag
  end
  return tags
end

---Whether a list has an entity tag. The strong comparison takes no weak ones.
local function has(tags, etag, strong)
  local own = etag and tag_at(etag, 1)
  if not own then return false end
  for _, tag in ipairs(tags) do
    if tag.opaque == own.opaque and not (strong and (tag.weak or own.weak)) then return true end
  end
  return false
end

local function is_star(value) return value:find "^[ \t]*%*[ \t]*$" ~= nil end

---Whether If-Match lets the request pass. What cannot be read names nothing.
local function is_match(value, validators)
  if is_star(value) then return validators.exists ~= false end
  return has(tags_of(value) or {}, validators.etag, true)
end

---Whether If-None-Match lets the request pass. With one that cannot be read, nothing is to be changed.
local function is_none_match(value, validators, safe)
  if is_star(value) then return validators.exists == false end
  local tags = tags_of(value)
  if not tags then return safe end
  return not has(tags, validators.etag, false)
end

---Whether the representation has changed after the time of a header; nil: that cannot be told, and the header is to be ignored.
local function changed_after(value, validators)
  local time = value and validators.modified and date.parse(value)
  if not time then return nil end
  return validators.modified > time
end

---What the conditions of a request make of it, when it would succeed without them.
---@param method string
---@param headers table<string, string>  by their names in lower case
---@param validators filo.http.Validators
---@return 304|412|nil  the status to answer with; nil: it is to be carried out
function conditional.check(method, headers, validators)
  if OTHER[method] then return nil end
  if validators.exists == false then validators = NOTHING end
  local safe = SAFE[method] == true
  local match, none_match = headers["if-match"], headers["if-none-match"]
  if match then
    if not is_match(match, validators) then return 412 end
  elseif changed_after(headers["if-unmodified-since"], validators) then
    return 412
  end
  if none_match then
    if not is_none_match(none_match, validators, safe) then return safe and 304 or 412 end
  elseif safe and changed_after(headers["if-modified-since"], validators) == false then
    return 304
  end
  return nil
end

---Whether the part that a request asks for belongs to what it has already: else it gets all.
---@param value string  of If-Range
---@param validators filo.http.Validators
---@return boolean
function conditional.range_holds(value, validators)
  if validators.exists == false then return false end
  local tag, after = tag_at(value, 1)
  if tag then return after == #value + 1 and has({ tag }, validators.etag, true) end
  return validators.modified ~= nil and date.parse(value) == validators.modified
end

return conditional
